# Firewall. /metrics is refused here, by the app spec's routes, and by the services themselves.
resource "cloudflare_ruleset" "firewall" {
  zone_id = var.zone_id
  name    = "autogrid firewall"
  kind    = "zone"
  phase   = "http_request_firewall_custom"
  rules = [
    {
      ref         = "internal_paths"
      description = "Nothing internal from outside"
      expression  = "(http.host eq \"${local.host}\" and (starts_with(lower(http.request.uri.path), \"/metrics\") or lower(http.request.uri.path) in {\"/readyz\"}))"
      action      = "block"
    },
    {
      ref         = "methods"
      description = "Methods the API knows"
      expression  = "(http.host eq \"${local.host}\" and not http.request.method in {\"GET\" \"HEAD\" \"POST\" \"PUT\" \"PATCH\" \"DELETE\" \"OPTIONS\"})"
      action      = "block"
    },
    {
      ref         = "probes"
      description = "Paths that only scanners ask for"
      expression  = "(http.host eq \"${local.host}\" and (ends_with(http.request.uri.path, \".php\") or starts_with(http.request.uri.path, \"/.git\") or starts_with(http.request.uri.path, \"/.env\") or starts_with(http.request.uri.path, \"/wp-\")))"
      action      = "block"
    },
  ]
}

# Cloudflare's managed rules: part of the paid plans; the free plan has a smaller set that is always on.
resource "cloudflare_ruleset" "managed" {
  count   = var.managed_waf ? 1 : 0
  zone_id = var.zone_id
  name    = "autogrid managed rules"
  kind    = "zone"
  phase   = "http_request_firewall_managed"
  rules = [
    {
      ref               = "managed"
      description       = "Cloudflare Managed Ruleset"
      expression        = "http.host eq \"${local.host}\""
      action            = "execute"
      action_parameters = { id = "efb7b8c949ac4650a09736fc376e9aee" }
    },
  ]
}

# Guessing passwords is slow at the edge, and slow again in the API, which counts through Redis.
resource "cloudflare_ruleset" "rate_limits" {
  zone_id = var.zone_id
  name    = "autogrid rate limits"
  kind    = "zone"
  phase   = "http_ratelimit"
  rules = [
    {
      ref         = "auth"
      description = "Sign-in, sign-up and refresh"
      expression  = "(http.host eq \"${local.host}\" and http.request.method eq \"POST\" and (starts_with(http.request.uri.path, \"/v1/auth\") or http.request.uri.path eq \"/v1/users\"))"
      action      = "block"
      ratelimit = {
        characteristics     = ["cf.colo.id", "ip.src"]
        period              = 10
        requests_per_period = 10
        mitigation_timeout  = 10
      }
    },
  ]
}

# Only files whose name carries their version are kept at the edge; answers of the API never are.
resource "cloudflare_ruleset" "cache" {
  zone_id = var.zone_id
  name    = "autogrid cache"
  kind    = "zone"
  phase   = "http_request_cache_settings"
  rules = [
    {
      ref               = "api"
      description       = "Never the API"
      expression        = "(http.host eq \"${local.host}\" and starts_with(http.request.uri.path, \"/v1\"))"
      action            = "set_cache_settings"
      action_parameters = { cache = false }
    },
    {
      ref         = "assets"
      description = "Scripts, styles and fonts of the page"
      expression  = "(http.host eq \"${local.host}\" and starts_with(http.request.uri.path, \"/_nicegui/\"))"
      action      = "set_cache_settings"
      action_parameters = {
        cache       = true
        edge_ttl    = { mode = "override_origin", default = 86400 }
        browser_ttl = { mode = "respect_origin" }
      }
    },
  ]
}

# The origin answers proxied requests only if they carry this header (ORIGIN_TOKEN, services/common/edge.py): who
# learns the origin's own name still does not get in.
resource "cloudflare_ruleset" "origin_token" {
  zone_id = var.zone_id
  name    = "autogrid origin token"
  kind    = "zone"
  phase   = "http_request_late_transform"
  rules = [
    {
      ref         = "origin_token"
      description = "Prove to the origin that the request came through the edge"
      expression  = "http.host eq \"${local.host}\""
      action      = "rewrite"
      action_parameters = {
        headers = {
          "X-Origin-Token" = { operation = "set", value = var.origin_token }
        }
      }
    },
  ]
}
