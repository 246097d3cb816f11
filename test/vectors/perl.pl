# Makes the vectors of Crypt::JWT: perl test/vectors/perl.pl
#
# Debian 12 packages: libcrypt-jwt-perl 0.034-1, libcryptx-perl 0.077-1+b1, perl 5.36.
use strict;
use warnings;
use Crypt::JWT qw(encode_jwt);
use FindBin;
use JSON::PP qw(decode_json);

open my $file, '<', "$FindBin::Bin/keys.json" or die $!;
my ($ed, $ec) = @{ decode_json(join '', <$file>)->{keys} };
my $secret = 'a secret of the test vectors, made for nothing else';
my $claims = {
    user_id => 'vector', exp => 4102444800, iat => 1770381296, type => 'access', iss => 'session-buddy',
};
print 'HS256 ', encode_jwt(payload => $claims, alg => 'HS256', key => $secret), "\n";
print 'HS256 ', encode_jwt(payload => $claims, alg => 'HS256', key => $secret, extra_headers => { typ => 'JWT' }), "\n";
for my $jwk ($ed, $ec) {
    my $alg = $jwk->{alg};
    print "$alg ", encode_jwt(payload => $claims, alg => $alg, key => $jwk), "\n";
    print "$alg ", encode_jwt(payload => $claims, alg => $alg, key => $jwk, extra_headers => { kid => $jwk->{kid} }), "\n";
}
