{{ record_bridge('contact') }}
