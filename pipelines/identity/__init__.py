"""Normal forms of what CRMs write: names of companies, codes, telephones, mails, places (no dagster, no dbt)."""
