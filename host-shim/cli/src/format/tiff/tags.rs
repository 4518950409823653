//! Numbers of TIFF 6.0 and its relatives that are read or written.

pub const NEW_SUBFILE_TYPE: u16 = 254;
pub const WIDTH: u16 = 256;
pub const LENGTH: u16 = 257;
pub const COMPRESSION: u16 = 259;
pub const PHOTOMETRIC: u16 = 262;
pub const ORIENTATION: u16 = 274;
pub const COLOR_MAP: u16 = 320;
pub const EXTRA_SAMPLES: u16 = 338;
pub const XMP: u16 = 700;
pub const IPTC: u16 = 33723;
pub const PHOTOSHOP: u16 = 34377;
pub const ICC: u16 = 34675;
pub const DNG_VERSION: u16 = 50706;
pub const PALETTE: u64 = 3;
pub const BLACK_IS_ZERO: u16 = 1;
