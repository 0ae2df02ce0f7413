{{ record_bridge('product') }}
