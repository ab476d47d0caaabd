"""Questions of geometry: where genres, artists and albums lie, what is between, an artist's way through the years."""
