//! The current brand, which is read at the start and again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use chassis::clock::{SharedClock, Timestamp};

use super::{Brand, BrandConfig, BrandError};

/// The interval at which the files are checked for changes, in microseconds.
const CHECK_INTERVAL_MICROS: u64 = 1_000_000;

/// The source of the current brand.
pub(crate) struct BrandSource {
    base: BrandConfig,
    clock: SharedClock,
    checked_at: AtomicI64,
    current: ArcSwap<LoadedBrand>,
}

struct LoadedBrand {
    brand: Arc<Brand>,
    stamps: Vec<(PathBuf, FileStamp)>,
}

/// The time of modification and the length of a file, by which a change is noticed.
type FileStamp = Option<(SystemTime, u64)>;

impl BrandSource {
    /// Reads the brand for the first time.
    ///
    /// # Errors
    /// A value or a file that cannot be used.
    pub(crate) fn new(base: BrandConfig, clock: SharedClock) -> Result<Self, BrandError> {
        let loaded = load(&base)?;
        let checked_at = AtomicI64::new(clock.now().as_micros());
        Ok(Self {
            base,
            clock,
            checked_at,
            current: ArcSwap::from_pointee(loaded),
        })
    }

    /// The current brand. An invalid change is logged, and the last valid brand stays.
    pub(crate) fn current(&self) -> Arc<Brand> {
        if self.is_check_due(self.clock.now()) {
            self.reload_if_changed();
        }
        Arc::clone(&self.current.load().brand)
    }

    fn is_check_due(&self, now: Timestamp) -> bool {
        let last = self.checked_at.load(Ordering::Relaxed);
        // The difference is absolute, because the clock may have been set back.
        let due = now.as_micros().abs_diff(last) >= CHECK_INTERVAL_MICROS;
        // Only the request that wins the exchange checks the files. The others use the current brand.
        due && self
            .checked_at
            .compare_exchange(last, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    fn reload_if_changed(&self) {
        let loaded = self.current.load_full();
        if loaded.stamps.iter().all(|(path, then)| stamp(path) == *then) {
            return;
        }
        match load(&self.base) {
            Ok(new) => {
                tracing::info!(brand = %new.brand.name, "brand reloaded");
                self.current.store(Arc::new(new));
            }
            Err(error) => {
                tracing::warn!(%error, "changed brand is invalid: the last valid one stays");
                let stamps = loaded
                    .stamps
                    .iter()
                    .map(|(path, _)| (path.clone(), stamp(path)))
                    .collect();
                self.current.store(Arc::new(LoadedBrand {
                    brand: Arc::clone(&loaded.brand),
                    stamps,
                }));
            }
        }
    }
}

fn stamp(path: &Path) -> FileStamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn load(base: &BrandConfig) -> Result<LoadedBrand, BrandError> {
    let mut stamps = Vec::new();
    let config = match &base.file {
        None => base.clone(),
        Some(path) => {
            stamps.push((path.clone(), stamp(path)));
            overlay(base, read(path)?)
        }
    };
    if let Some(logo) = &config.logo {
        stamps.push((logo.clone(), stamp(logo)));
    }
    Ok(LoadedBrand {
        brand: Arc::new(Brand::new(&config)?),
        stamps,
    })
}

fn read(path: &Path) -> Result<BrandConfig, BrandError> {
    let syntax = |reason: String| BrandError::Syntax {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| BrandError::Read {
        path: path.to_owned(),
        error,
    })?;
    let mut config: BrandConfig = toml::from_str(&text).map_err(|error| syntax(error.to_string()))?;
    if config.file.is_some() {
        return Err(syntax(
            "`file` belongs into the service's configuration".to_owned(),
        ));
    }
    config.logo = config
        .logo
        .map(|logo| path.parent().unwrap_or(Path::new("")).join(logo));
    Ok(config)
}

fn overlay(base: &BrandConfig, file: BrandConfig) -> BrandConfig {
    let base = base.clone();
    BrandConfig {
        file: base.file,
        name: file.name.or(base.name),
        tagline: file.tagline.or(base.tagline),
        color: file.color.or(base.color),
        logo: file.logo.or(base.logo),
        support_url: file.support_url.or(base.support_url),
        privacy_url: file.privacy_url.or(base.privacy_url),
        terms_url: file.terms_url.or(base.terms_url),
        sign_in_heading: file.sign_in_heading.or(base.sign_in_heading),
        sign_in_text: file.sign_in_text.or(base.sign_in_text),
        register_heading: file.register_heading.or(base.register_heading),
        register_text: file.register_text.or(base.register_text),
    }
}
