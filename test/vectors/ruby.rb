# Makes the vectors of ruby-jwt: ruby test/vectors/ruby.rb
#
# Debian 12 packages: ruby-jwt 2.5.0-1+deb12u1, ruby 1:3.1.
require "json"
require "jwt"

keys = JSON.parse(File.read(File.join(__dir__, "keys.json")))["keys"]
secret = "a secret of the test vectors, made for nothing else"
claims = { user_id: "vector", exp: 4102444800, iat: 1770381296, type: "access", iss: "session-buddy" }
jwk = keys.find { |key| key["kty"] == "EC" }
ec = JWT::JWK.import(jwk.transform_keys(&:to_sym)).keypair

puts "HS256 #{JWT.encode(claims, secret, "HS256")}"
puts "HS256 #{JWT.encode(claims, secret, "HS256", { typ: "JWT" })}"
puts "ES256 #{JWT.encode(claims, ec, "ES256")}"
puts "ES256 #{JWT.encode(claims, ec, "ES256", { kid: jwk["kid"] })}"
