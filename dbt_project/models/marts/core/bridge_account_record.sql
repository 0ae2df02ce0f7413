{{ record_bridge('account') }}
