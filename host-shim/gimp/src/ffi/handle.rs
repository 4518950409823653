//! What names an image, a layer or another item of it: a number in GIMP 2.10, a pointer in GIMP 3.

use std::ffi::{c_int, c_void};

/// See the module.
pub trait Handle: Copy + PartialEq + 'static {
    /// 0 for GIMP 2.10, 1 for GIMP 3: which name a function has.
    const GENERATION: usize;
    /// Names nothing.
    const NONE: Self;
    /// A function that lists layers.
    type List: Copy;

    /// How many layers `list` gives of an image or group, and the block of memory it gave.
    ///
    /// # Safety
    /// `list` is such a function of this generation.
    unsafe fn count(list: Self::List, of: Self) -> (usize, *mut c_void);

    /// `None` when it names nothing.
    fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

impl Handle for i32 {
    const GENERATION: usize = 0;
    const NONE: Self = -1;
    type List = unsafe extern "C" fn(i32, *mut c_int) -> *mut i32;

    unsafe fn count(list: Self::List, of: Self) -> (usize, *mut c_void) {
        let mut count = 0;
        // SAFETY: as the caller vouches; the count has a place.
        let block = unsafe { list(of, &raw mut count) };
        (usize::try_from(count).unwrap_or_default(), block.cast())
    }
}

impl Handle for *mut c_void {
    const GENERATION: usize = 1;
    const NONE: Self = std::ptr::null_mut();
    type List = unsafe extern "C" fn(*mut c_void) -> *mut *mut c_void;

    unsafe fn count(list: Self::List, of: Self) -> (usize, *mut c_void) {
        // SAFETY: as the caller vouches.
        let block = unsafe { list(of) };
        let mut count = 0;
        // SAFETY: the array ends with NULL.
        while !block.is_null() && unsafe { !(*block.add(count)).is_null() } {
            count += 1;
        }
        (count, block.cast())
    }
}

/// An image of GIMP's. Only the fence makes one, of a handle that GIMP gave.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Image<H>(pub(super) H);

/// A layer, channel or mask of GIMP's. Only the fence makes one, of a handle that GIMP gave.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<H>(pub(super) H);
