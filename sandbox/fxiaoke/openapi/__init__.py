"""Fxiaoke's OpenAPI over the same records that its exports show: tokens, object list, describe, query."""
