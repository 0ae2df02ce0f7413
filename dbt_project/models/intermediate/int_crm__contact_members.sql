{{ config(materialized='table') }}

{{ identity_members('contact', 'cast(null as ' ~ type_text() ~ ')') }}
