"""Fxiaoke's OpenAPI as a source. `clouds`, `errors` and `streams.yml` are facts as data; `auth` and `api` call, `pace`
keeps the rate; `objects` and `describe` say what there is, `query` walks it, `personal` takes out what nobody wants."""
