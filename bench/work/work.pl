# SPDX-License-Identifier: Apache-2.0
# What Perl is for: text by regular expressions, hashes, sorting; and its arithmetic.
use strict;
use integer;
my ($count, %words, %next, $longest);
open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!";
my $last = '';
while (my $line = <$file>) {
    last if $. > 6000;
    $count++ while $line =~ /\b[b-df-hj-np-tv-z]+[aeiou]\w*\b/g;
    (my $changed = $line) =~ s/(\w+) (\w+)/\u$2 $1/g;
    $words{length $_}{$_}++, $next{$last}{$_}++, $last = $_ for split /\W+/, $changed;
}
print "$count\n";
print "$_ ", scalar(keys %{$words{$_}}), "\n" for sort { $a <=> $b } keys %words;
my @most = sort { keys(%{$next{$b}}) <=> keys(%{$next{$a}}) || $a cmp $b } keys %next;
print "@most[0 .. 20]\n";
my $x = 1;
$x = ($x * 1103515245 + 12345) % 2147483648 for 1 .. 400000;
print "$x\n";
