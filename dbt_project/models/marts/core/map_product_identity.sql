{{ identity_map('product', identity_parts('product')) }}
