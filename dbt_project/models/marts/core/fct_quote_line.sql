{{ ledger_line_fact('quote') }}
