"""What the API process serves beside GraphQL: start page, playground, health."""
