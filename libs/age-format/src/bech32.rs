//! Bech32 (BIP 173), in which keys of 32 bytes stand in text.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The coefficients of the checksum's polynomial.
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// The length of the checksum, in characters.
const CHECKSUM: usize = 6;

/// The 32 bytes of a text with this prefix, which is given in lower case; `None` when the text is malformed.
pub(super) fn decode(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    // The case may not be mixed.
    if *lower != *text && text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let data = lower.strip_prefix(prefix)?.strip_prefix('1')?;
    let digits: Option<Vec<u8>> = data.bytes().map(digit).collect();
    let digits = Zeroizing::new(digits?);
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let expanded = high.chain([0]).chain(low).chain(digits.iter().copied());
    if checksum(expanded) != 1 {
        return None;
    }
    let payload = digits.get(..digits.len().checked_sub(CHECKSUM)?)?;
    to_bytes(payload)
}

fn digit(letter: u8) -> Option<u8> {
    let position = ALPHABET.iter().position(|known| *known == letter)?;
    u8::try_from(position).ok()
}

fn checksum(digits: impl Iterator<Item = u8>) -> u32 {
    digits.fold(1_u32, |sum, digit| {
        let top = sum >> 25;
        let sum = ((sum & 0x01ff_ffff) << 5) ^ u32::from(digit);
        let factors = GENERATOR.iter().enumerate();
        factors.fold(sum, |sum, (bit, factor)| match (top >> bit) & 1 {
            1 => sum ^ factor,
            _ => sum,
        })
    })
}

/// Groups of five bits as bytes. What is left over must be zero.
fn to_bytes(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits {
        bits = ((bits << 5) | u32::from(*digit)) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    if count >= 5 || bits & ((1 << count) - 1) != 0 {
        return None;
    }
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}
