"""Zoho CRM v8 over HTTP, as its reference describes it."""
