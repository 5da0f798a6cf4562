"""What the library is held against: implementations that share nothing with ours, closed forms, other libraries."""
