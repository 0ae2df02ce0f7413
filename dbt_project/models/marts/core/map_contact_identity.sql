{{ identity_map('contact', identity_parts('contact')) }}
