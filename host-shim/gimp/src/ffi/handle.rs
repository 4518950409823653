//! What names an image, a layer or another item of it: a number in GIMP 2.10, a pointer in GIMP 3.

use std::ffi::c_void;

/// See the module.
pub trait Handle: Copy + PartialEq + 'static {
    /// 0 for GIMP 2.10, 1 for GIMP 3: which name a function has.
    const GENERATION: usize;
    /// Names nothing.
    const NONE: Self;

    /// `None` when it names nothing.
    fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

impl Handle for i32 {
    const GENERATION: usize = 0;
    const NONE: Self = -1;
}

impl Handle for *mut c_void {
    const GENERATION: usize = 1;
    const NONE: Self = std::ptr::null_mut();
}

/// An image of GIMP's. Only the fence makes one, of a handle that GIMP gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Image<H>(pub(super) H);

/// A layer, channel or mask of GIMP's. Only the fence makes one, of a handle that GIMP gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<H>(pub(super) H);
