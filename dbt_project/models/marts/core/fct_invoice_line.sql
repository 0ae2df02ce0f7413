{{ ledger_line_fact('invoice') }}
