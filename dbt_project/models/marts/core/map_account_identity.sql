{{ identity_map('account', identity_parts('account')) }}
