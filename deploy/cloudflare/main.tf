# The edge: names, TLS, firewall, rate limits, cache, and the header by which the origin knows it.
#   terraform init && terraform apply      token: CLOUDFLARE_API_TOKEN (Zone: DNS, Zone Settings, Zone WAF, Cache Rules,
#   Transform Rules of this one zone); variables: terraform.tfvars, from terraform.tfvars.example
terraform {
  required_version = ">= 1.9"
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.8"
    }
  }
}

locals {
  host = "${var.hostname}.${var.zone}"
}

# Proxied: the address of the origin is in no public record.
resource "cloudflare_dns_record" "app" {
  zone_id = var.zone_id
  name    = local.host
  type    = "CNAME"
  content = var.origin
  proxied = true
  ttl     = 1
}

# Full (strict): the edge talks TLS to the origin and checks its certificate.
resource "cloudflare_zone_setting" "ssl" {
  zone_id    = var.zone_id
  setting_id = "ssl"
  value      = "strict"
}

resource "cloudflare_zone_setting" "https" {
  zone_id    = var.zone_id
  setting_id = "always_use_https"
  value      = "on"
}

resource "cloudflare_zone_setting" "tls_min" {
  zone_id    = var.zone_id
  setting_id = "min_tls_version"
  value      = "1.2"
}

resource "cloudflare_zone_setting" "tls_1_3" {
  zone_id    = var.zone_id
  setting_id = "tls_1_3"
  value      = "on"
}

# The page's live updates are websockets.
resource "cloudflare_zone_setting" "websockets" {
  zone_id    = var.zone_id
  setting_id = "websockets"
  value      = "on"
}

# A year of HTTPS only. preload stays off: it cannot be taken back quickly.
resource "cloudflare_zone_setting" "hsts" {
  zone_id    = var.zone_id
  setting_id = "security_header"
  value = {
    strict_transport_security = {
      enabled            = true
      max_age            = 31536000
      include_subdomains = true
      preload            = false
      nosniff            = true
    }
  }
}
