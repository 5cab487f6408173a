"""What people decide: cases, decisions and appeals."""
