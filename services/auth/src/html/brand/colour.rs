//! The palette: readable shades of one brand colour for the light and the dark scheme.
//!
//! A shade is moved towards black or white until text on it has a contrast of at least 4.5:1 (WCAG 2.2,
//! 1.4.3).

use std::fmt;
use std::str::FromStr;

/// The contrast that text needs (WCAG 2.2, 1.4.3, level AA).
const READABLE: f64 = 4.5;
/// Links and buttons on the dark page: well past the limit.
const GLOWING: f64 = 7.0;
const WHITE: Colour = Colour([255, 255, 255]);
const INK: Colour = Colour([11, 13, 14]);
/// `--paper` of the style sheet, light and dark.
const PAPER: Colour = Colour([252, 252, 251]);
const PAPER_DARK: Colour = Colour([19, 22, 24]);

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

/// The text is not `#rgb` or `#rrggbb`.
#[derive(Debug, thiserror::Error)]
#[error("expected a colour such as \"#0b5d52\"")]
pub(crate) struct NotAColour;

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        let digits = text.strip_prefix('#').ok_or(NotAColour)?;
        let nibbles: Vec<u8> = digits
            .chars()
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect::<Option<_>>()
            .ok_or(NotAColour)?;
        match nibbles.as_slice() {
            [r, g, b] => Ok(Self([r * 17, g * 17, b * 17])),
            [r, s, g, h, b, c] => Ok(Self([r * 16 + s, g * 16 + h, b * 16 + c])),
            _ => Err(NotAColour),
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Colour {
    /// Relative luminance (WCAG 2.2, definitions).
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.040_45 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio of two colours, 1 to 21.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with `percent` of `other` in it.
    fn mix(self, other: Self, percent: u16) -> Self {
        let mut mixed = self.0;
        for (channel, towards) in mixed.iter_mut().zip(other.0) {
            let sum = u16::from(*channel) * (100 - percent.min(100)) + u16::from(towards) * percent.min(100);
            *channel = u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// The nearest shade towards `end` that is readable on (or under) `ground`.
    fn readable_on(self, ground: Self, end: Self) -> Self {
        (0..=100)
            .step_by(2)
            .map(|percent| self.mix(end, percent))
            .find(|shade| shade.contrast(ground) >= READABLE)
            .unwrap_or(end)
    }

    /// The same hue, light enough to glow on `ground`: mixed with white it would look washed out.
    fn lit(self, ground: Self) -> Self {
        let [r, g, b] = self.0.map(|channel| f64::from(channel) / 255.0);
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let lightness = (most + least) / 2.0;
        let spread = 1.0 - (2.0 * lightness - 1.0).abs();
        // A little less vivid than on paper: saturated colours glare on a dark ground.
        let saturation = if spread > 0.0 {
            0.8 * (most - least) / spread
        } else {
            0.0
        };
        // Each channel as a share of the way from the least to the most, which is all that a hue is.
        let share = |c: f64| {
            if most > least {
                (c - least) / (most - least)
            } else {
                0.0
            }
        };
        let at = |lightness: f64| {
            let chroma = saturation * (1.0 - (2.0 * lightness - 1.0).abs());
            Self([r, g, b].map(|c| byte(lightness - chroma / 2.0 + chroma * share(c))))
        };
        (0..=100_u32)
            .map(|step| at(lightness + (1.0 - lightness) * f64::from(step) / 100.0))
            .find(|shade| shade.contrast(ground) >= GLOWING)
            .unwrap_or(WHITE)
    }

    /// White or near-black, whichever reads better on this colour.
    fn text(self) -> Self {
        if self.contrast(WHITE) >= READABLE || self.contrast(WHITE) >= self.contrast(INK) {
            WHITE
        } else {
            INK
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a byte holds"
)]
fn byte(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Every shade that the style sheet takes from the brand.
#[derive(Clone, Debug)]
pub(crate) struct Palette {
    pub(crate) accent: Colour,
    pub(crate) hall_strong: Colour,
    pub(crate) accent_strong: Colour,
    pub(crate) hall: Colour,
    pub(crate) on_hall: Colour,
    pub(crate) accent_dark: Colour,
    pub(crate) on_accent_dark: Colour,
    pub(crate) accent_strong_dark: Colour,
    pub(crate) hall_dark: Colour,
    pub(crate) on_hall_dark: Colour,
}

impl Palette {
    /// The shades of `brand`.
    pub(crate) fn of(brand: Colour) -> Self {
        let accent = brand.readable_on(PAPER, INK);
        let accent_dark = brand.lit(PAPER_DARK);
        let hall = brand.readable_on(brand.text(), if brand.text() == WHITE { INK } else { WHITE });
        let hall_dark = brand.mix(PAPER_DARK, 62).readable_on(WHITE, INK);
        Self {
            accent,
            hall_strong: hall.mix(if hall.text() == WHITE { INK } else { WHITE }, 22),
            accent_strong: accent.mix(INK, 22),
            hall,
            on_hall: hall.text(),
            accent_dark,
            on_accent_dark: INK,
            accent_strong_dark: accent_dark.mix(WHITE, 28),
            hall_dark,
            on_hall_dark: WHITE,
        }
    }

    /// The custom properties that the style sheet reads. Holds nothing but colours, so it needs no escaping.
    pub(crate) fn css(&self) -> String {
        format!(
            ":root{{--brand-accent:{};--brand-accent-strong:{};--brand-hall:{};--brand-hall-strong:{};\
             --brand-on-hall:{};--brand-accent-dark:{};--brand-on-accent-dark:{};--brand-accent-strong-dark:{};\
             --brand-hall-dark:{};--brand-on-hall-dark:{}}}",
            self.accent,
            self.accent_strong,
            self.hall,
            self.hall_strong,
            self.on_hall,
            self.accent_dark,
            self.on_accent_dark,
            self.accent_strong_dark,
            self.hall_dark,
            self.on_hall_dark
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        for (text, want) in [("#0b5d52", "#0b5d52"), ("#FA0", "#ffaa00")] {
            assert_eq!(text.parse::<Colour>().unwrap().to_string(), want);
        }
        for bad in [
            "",
            "#",
            "red",
            "#12",
            "#12345",
            "#1234567",
            "#gggggg",
            "#ff ff0",
            "#0b5d52;}",
            "０b5d52",
        ] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_brand_colour_gives_readable_shades() {
        let steps = [0_u8, 51, 102, 153, 204, 255];
        for index in 0..steps.len().pow(3) {
            let [r, g, b] = [index / 36, index / 6 % 6, index % 6].map(|step| steps[step]);
            let palette = Palette::of(Colour([r, g, b]));
            for (name, a, b) in [
                ("link on paper", palette.accent, PAPER),
                ("hovered link on paper", palette.accent_strong, PAPER),
                ("button", palette.hall, palette.on_hall),
                ("hovered button", palette.hall_strong, palette.on_hall),
                ("dark link on paper", palette.accent_dark, PAPER_DARK),
                ("dark button", palette.accent_dark, palette.on_accent_dark),
                (
                    "dark hovered button",
                    palette.accent_strong_dark,
                    palette.on_accent_dark,
                ),
                ("dark hall", palette.hall_dark, palette.on_hall_dark),
            ] {
                assert!(
                    a.contrast(b) >= READABLE,
                    "{name} of #{r}{g}{b}: {:.2} {a} {b}",
                    a.contrast(b)
                );
            }
        }
    }
}
