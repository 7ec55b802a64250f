package oauth2

const googleIssuer = "https://accounts.google.com"
