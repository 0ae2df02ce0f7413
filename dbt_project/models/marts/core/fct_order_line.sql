{{ ledger_line_fact('order') }}
