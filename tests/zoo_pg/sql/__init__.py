"""What only PostgreSQL has and no model can say, as pairs of statements that make a thing and take it away."""
