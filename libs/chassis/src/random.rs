//! Randomness as a parameter: secrets and ids come from a [`Random`], which is the generator of the operating system
//! outside tests.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom as AwsRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::clock::Clock;
use crate::secret::Token;

/// A source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The random source of a service.
pub type SharedRandom = Arc<dyn Random>;

impl dyn Random {
    /// A new opaque secret of 256 bits (ASVS 11.5.1 asks for 128 at least).
    pub fn token(&self) -> Token {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Token::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A new id that sorts by time (RFC 9562 §5.7, UUIDv7). Never a secret.
    pub fn uuid(&self, clock: &dyn Clock) -> Uuid {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        let millis = u64::try_from(clock.now().as_micros() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// The cryptographic generator of the operating system.
#[derive(Debug, Default)]
pub struct SystemRandom(AwsRandom);

impl Random for SystemRandom {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no secret may be made; to stop is the safe answer"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        self.0
            .fill(bytes)
            .expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    #[test]
    fn ids_sort_by_the_clock_and_tokens_are_256_bits() {
        let clock = ManualClock::new(Timestamp::from_secs(1_700_000_000));
        let random: SharedRandom = Arc::new(SystemRandom::default());
        let first = random.uuid(&clock);
        clock.advance(std::time::Duration::from_millis(2));
        let second = random.uuid(&clock);
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
        assert_eq!(random.token().expose().len(), 43);
        assert_ne!(random.token().expose(), random.token().expose());
    }
}
