//! Key agreement with an ephemeral key (RFC 7518 §4.6), on P-256, P-384 and X25519 (RFC 8037 §3.2).

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ParsedPublicKey, PrivateKey, UnparsedPublicKey, X25519, agree,
};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::EncryptError;
use crate::jose::Jwk;

/// A public key to agree with.
pub(super) struct PartyKey {
    curve: Curve,
    point: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    X25519,
}

impl Curve {
    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::X25519 => &X25519,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::X25519 => "X25519",
        }
    }

    /// The length of a coordinate in bytes.
    const fn length(self) -> usize {
        match self {
            Self::P384 => 48,
            Self::P256 | Self::X25519 => 32,
        }
    }
}

impl PartyKey {
    /// Reads a key of the type `EC` or `OKP`. A point that is not on its curve is refused.
    pub(super) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let curve = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("EC", Some("P-256")) => Curve::P256,
            ("EC", Some("P-384")) => Curve::P384,
            ("OKP", Some("X25519")) => Curve::X25519,
            _ => return None,
        };
        let coordinate = |member: &Option<String>| {
            let bytes = URL_SAFE_NO_PAD.decode(member.as_deref()?).ok()?;
            // RFC 7518 §6.2.1.2: coordinates have their full length.
            (bytes.len() == curve.length()).then_some(bytes)
        };
        let point = match curve {
            Curve::X25519 => coordinate(&jwk.x)?,
            _ => [vec![4], coordinate(&jwk.x)?, coordinate(&jwk.y)?].concat(),
        };
        let unparsed = UnparsedPublicKey::new(curve.algorithm(), point.as_slice());
        ParsedPublicKey::try_from(unparsed).ok()?;
        Some(Self { curve, point })
    }

    /// Agrees on a key of so many `bytes` with a new ephemeral key, for the algorithm `name`. Returns the key, and the ephemeral
    /// public key as the header has it (`epk`).
    pub(super) fn agree(
        &self,
        name: &str,
        bytes: usize,
    ) -> Result<(Zeroizing<Vec<u8>>, Value), EncryptError> {
        let ephemeral = PrivateKey::generate(self.curve.algorithm()).map_err(|_| EncryptError::Crypto)?;
        let public = ephemeral.compute_public_key().map_err(|_| EncryptError::Crypto)?;
        let secret = self.agree_with(&ephemeral, name, bytes)?;
        Ok((
            secret,
            self.curve.epk(public.as_ref()).ok_or(EncryptError::Crypto)?,
        ))
    }

    pub(super) fn agree_with(
        &self,
        private: &PrivateKey,
        name: &str,
        bytes: usize,
    ) -> Result<Zeroizing<Vec<u8>>, EncryptError> {
        let peer = UnparsedPublicKey::new(self.curve.algorithm(), self.point.as_slice());
        agree(private, peer, EncryptError::Crypto, |shared| {
            Ok(derive(shared, name, bytes))
        })
    }
}

impl Curve {
    /// A public key as a JSON Web Key.
    fn epk(self, public: &[u8]) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        if self == Self::X25519 {
            return Some(json!({"kty": "OKP", "crv": self.name(), "x": text(public)}));
        }
        let (x, y) = public.split_first()?.1.split_at_checked(self.length())?;
        Some(json!({"kty": "EC", "crv": self.name(), "x": text(x), "y": text(y)}))
    }
}

/// Concat KDF with SHA-256, without names of the parties (RFC 7518 §4.6.2). One round gives 32 bytes, which is the most that is
/// asked for.
fn derive(shared: &[u8], name: &str, bytes: usize) -> Zeroizing<Vec<u8>> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut context = Context::new(&SHA256);
    context.update(&1_u32.to_be_bytes());
    context.update(shared);
    context.update(&length(name.len()));
    context.update(name.as_bytes());
    // PartyUInfo and PartyVInfo are empty.
    context.update(&[0; 8]);
    context.update(&length(bytes * 8));
    let mut key = Zeroizing::new(context.finish().as_ref().to_vec());
    key.truncate(bytes);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_that_of_the_example_of_the_standard() {
        // RFC 7518, Appendix C. There the parties are Alice and Bob.
        let z = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163,
            218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let mut context = Context::new(&SHA256);
        context.update(&1_u32.to_be_bytes());
        context.update(&z);
        for part in ["A128GCM", "Alice", "Bob"] {
            context.update(&u32::try_from(part.len()).unwrap().to_be_bytes());
            context.update(part.as_bytes());
        }
        context.update(&128_u32.to_be_bytes());
        assert_eq!(
            URL_SAFE_NO_PAD.encode(&context.finish().as_ref()[..16]),
            "VqqN6vgjbSBcIijNcacQGg"
        );

        let alice = private("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
        let bob: Jwk = serde_json::from_value(json!({
            "kty": "EC", "crv": "P-256",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ", "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"
        }))
        .unwrap();
        let bob = PartyKey::from_jwk(&bob).unwrap();
        let peer = UnparsedPublicKey::new(&ECDH_P256, bob.point.as_slice());
        let shared = agree(&alice, peer, (), |shared| Ok(shared.to_vec())).unwrap();
        assert_eq!(shared, z);
        // Without names of the parties: the same derivation with empty ones.
        let mut context = Context::new(&SHA256);
        for part in [
            &1_u32.to_be_bytes()[..],
            &z,
            &7_u32.to_be_bytes(),
            b"A128GCM",
            &[0; 4],
            &[0; 4],
            &128_u32.to_be_bytes(),
        ] {
            context.update(part);
        }
        let key = bob.agree_with(&alice, "A128GCM", 16).unwrap();
        assert_eq!(key.as_slice(), &context.finish().as_ref()[..16]);
    }

    fn private(d: &str) -> PrivateKey {
        PrivateKey::from_private_key(&ECDH_P256, &URL_SAFE_NO_PAD.decode(d).unwrap()).unwrap()
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_is_refused() {
        // RFC 8725 §3.4
        let jwk = |x: &str, y: &str| {
            serde_json::from_value::<Jwk>(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})).unwrap()
        };
        let (x, y) = (
            "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        );
        assert!(PartyKey::from_jwk(&jwk(x, y)).is_some());
        assert!(PartyKey::from_jwk(&jwk(y, x)).is_none());
        assert!(PartyKey::from_jwk(&jwk(x, "")).is_none());
        assert!(PartyKey::from_jwk(&jwk(&x[2..], y)).is_none());
    }
}
