"""How policies come to decide: versions, what a change would do, shadow runs, promotion and the way back."""
