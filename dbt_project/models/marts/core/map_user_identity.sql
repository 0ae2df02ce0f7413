{{ identity_map('user', identity_parts('user')) }}
