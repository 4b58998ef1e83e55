variable "zone" {
  description = "The domain at Cloudflare."
  type        = string
}

variable "zone_id" {
  description = "Its id, on the zone's overview page."
  type        = string
}

variable "hostname" {
  description = "Name of the app below the zone."
  type        = string
  default     = "autogrid"
}

variable "origin" {
  description = "The app's own name, such as autogrid-abc12.ondigitalocean.app, or that of a tunnel."
  type        = string
}

variable "origin_token" {
  description = "The ORIGIN_TOKEN of the services. It ends up in the state: keep that encrypted."
  type        = string
  sensitive   = true
  validation {
    condition     = length(var.origin_token) >= 32
    error_message = "Expected at least 32 characters: openssl rand -hex 32."
  }
}

variable "managed_waf" {
  description = "Whether the plan has the managed rules (Pro and above)."
  type        = bool
  default     = false
}
