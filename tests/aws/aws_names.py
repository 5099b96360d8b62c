"""The credentials of the tests' environment."""

ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLEEXAMPLE12", "never-to-be-shown/0123456789"
