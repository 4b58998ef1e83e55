"""The loopback exchange: Binance's spot API on 127.0.0.1, matched against a tape of recorded prices."""
