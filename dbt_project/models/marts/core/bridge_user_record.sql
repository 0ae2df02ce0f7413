{{ record_bridge('user') }}
