"""A pretend company with a clock, served the way Zoho CRM and Fxiaoke serve theirs."""
