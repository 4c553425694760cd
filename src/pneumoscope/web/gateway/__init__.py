"""What comes in from other systems, and (later) what goes out to them."""
