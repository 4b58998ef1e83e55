"""Every error AutoGrid raises, split by what the caller must do.

    AutogridError
    +-- InvalidInput      fix the input; nothing has happened
    +-- Unavailable       try again later; nothing has happened
    +-- OutcomeUnknown    look up what happened before doing anything else
    +-- Halted            stop the bot; a person has to look

A message says what was expected, what was found and how to mend it.
"""


class AutogridError(Exception):
    """Base of everything AutoGrid raises on purpose."""


class InvalidInput(AutogridError, ValueError):
    """The input cannot be worked with. Nothing has been stored, sent or changed; fix it and call again."""


class Unavailable(AutogridError):
    """A server or file cannot be reached now. Nothing has been changed; calling again later is safe."""


class OutcomeUnknown(AutogridError):
    """A request may or may not have taken effect. Look it up before repeating it."""


class Halted(AutogridError):
    """Going on would be unsafe. The reason is in the message; a person has to decide."""
