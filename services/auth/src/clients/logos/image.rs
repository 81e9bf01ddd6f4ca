//! The headers of raster images: the format and the size in pixels, read from the bytes.
//!
//! Nothing is decoded. A browser decodes the image, in its sandbox; this server only has to know that the bytes are one of four
//! raster formats, and how large the picture is. See `docs/decisions/0073-client-logos.md`.

/// The largest width and height in pixels.
pub(super) const MAX_SIDE: u32 = 2048;

/// A raster format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ImageFormat {
    Png,
    Jpeg,
    Gif,
    Webp,
}

impl ImageFormat {
    const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::Gif, Self::Webp];

    /// Its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// The format of a media type that [`Self::media_type`] wrote.
    pub(super) fn from_media_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == name)
    }
}

/// The header of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImageHeader {
    pub(super) format: ImageFormat,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The bytes are no image that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ImageError {
    /// They are none of the formats. SVG is not one of them: it is a document, which can have scripts.
    #[error("expected a PNG, JPEG, GIF or WebP image")]
    Format,
    /// They begin like one of the formats, and break off or contradict it.
    #[error("the image is damaged")]
    Damaged,
    /// The picture is empty or too large.
    #[error("the image has {width} by {height} pixels, more than {MAX_SIDE} by {MAX_SIDE} or none")]
    Size { width: u32, height: u32 },
}

/// Reads the header of an image.
pub(super) fn read_header(bytes: &[u8]) -> Result<ImageHeader, ImageError> {
    let format = format_of(bytes).ok_or(ImageError::Format)?;
    let mut cursor = Cursor(bytes);
    let size = match format {
        ImageFormat::Png => png(&mut cursor),
        ImageFormat::Jpeg => jpeg(&mut cursor),
        ImageFormat::Gif => gif(&mut cursor),
        ImageFormat::Webp => webp(&mut cursor),
    };
    let (width, height) = size.ok_or(ImageError::Damaged)?;
    let fits = |side: u32| (1..=MAX_SIDE).contains(&side);
    if !fits(width) || !fits(height) {
        return Err(ImageError::Size { width, height });
    }
    Ok(ImageHeader {
        format,
        width,
        height,
    })
}

fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::Webp)
    } else {
        None
    }
}

/// The rest of the bytes.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn read<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        self.read().map(|[byte]| byte)
    }

    fn be16(&mut self) -> Option<u32> {
        self.read().map(u16::from_be_bytes).map(u32::from)
    }

    fn le16(&mut self) -> Option<u32> {
        self.read().map(u16::from_le_bytes).map(u32::from)
    }

    fn le24(&mut self) -> Option<u32> {
        let [low, middle, high] = self.read()?;
        Some(u32::from_le_bytes([low, middle, high, 0]))
    }

    fn be32(&mut self) -> Option<u32> {
        self.read().map(u32::from_be_bytes)
    }

    fn le32(&mut self) -> Option<u32> {
        self.read().map(u32::from_le_bytes)
    }
}

/// The size in the chunk IHDR, which is the first (PNG 3rd edition §5.6, §11.2.1).
fn png(image: &mut Cursor<'_>) -> Option<(u32, u32)> {
    image.skip(8)?;
    let length = image.be32()?;
    let kind: [u8; 4] = image.read()?;
    let size = (image.be32()?, image.be32()?);
    (length == 13 && kind == *b"IHDR").then_some(size)
}

/// The size in the first frame header (ITU-T T.81 §B.2.2). Segments before it are skipped by their lengths.
fn jpeg(image: &mut Cursor<'_>) -> Option<(u32, u32)> {
    image.skip(2)?;
    loop {
        if image.byte()? != 0xff {
            return None;
        }
        let mut marker = image.byte()?;
        while marker == 0xff {
            marker = image.byte()?;
        }
        match marker {
            // No frame has begun where the scan or the end comes.
            0x00 | 0xd8..=0xda => return None,
            0x01 | 0xd0..=0xd7 => {}
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                image.skip(3)?;
                let height = image.be16()?;
                return Some((image.be16()?, height));
            }
            _ => {
                let length = usize::try_from(image.be16()?).ok()?;
                image.skip(length.checked_sub(2)?)?;
            }
        }
    }
}

/// The size of the logical screen, which every frame must fit in (GIF89a §18, §20). The blocks are walked up to the trailer.
fn gif(image: &mut Cursor<'_>) -> Option<(u32, u32)> {
    image.skip(6)?;
    let (width, height) = (image.le16()?, image.le16()?);
    let [flags, _, _] = image.read()?;
    skip_colors(image, flags)?;
    let mut frames = 0_usize;
    loop {
        match image.byte()? {
            0x21 => {
                image.byte()?;
                skip_blocks(image)?;
            }
            0x2c => {
                let (left, top) = (image.le16()?, image.le16()?);
                let (wide, high) = (image.le16()?, image.le16()?);
                if left + wide > width || top + high > height {
                    return None;
                }
                let flags = image.byte()?;
                skip_colors(image, flags)?;
                image.byte()?;
                skip_blocks(image)?;
                frames += 1;
            }
            0x3b => return (frames > 0).then_some((width, height)),
            _ => return None,
        }
    }
}

fn skip_colors(image: &mut Cursor<'_>, flags: u8) -> Option<()> {
    if flags & 0x80 == 0 {
        return Some(());
    }
    image.skip(3 << ((flags & 7) + 1))
}

fn skip_blocks(image: &mut Cursor<'_>) -> Option<()> {
    loop {
        match image.byte()? {
            0 => return Some(()),
            length => image.skip(usize::from(length))?,
        }
    }
}

/// The size in the first chunk (RFC 9649 §2.5, §2.6, §2.7).
fn webp(image: &mut Cursor<'_>) -> Option<(u32, u32)> {
    image.skip(4)?;
    let length = usize::try_from(image.le32()?).ok()?;
    if length > image.0.len() {
        return None;
    }
    image.skip(4)?;
    let kind: [u8; 4] = image.read()?;
    image.le32()?;
    match &kind {
        b"VP8 " => {
            let [tag, _, _] = image.read()?;
            let start: [u8; 3] = image.read()?;
            let size = (image.le16()? & 0x3fff, image.le16()? & 0x3fff);
            (tag & 1 == 0 && start == [0x9d, 0x01, 0x2a]).then_some(size)
        }
        b"VP8L" => {
            let signature = image.byte()?;
            let bits = image.le32()?;
            (signature == 0x2f).then_some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => {
            image.skip(4)?;
            Some((image.le24()? + 1, image.le24()? + 1))
        }
        _ => None,
    }
}
