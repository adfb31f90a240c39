"""The services: each a decision and a declaration. They import the contract only, never each other."""
