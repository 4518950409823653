//! What may cross to C and back: numbers, handles that C itself gave, strings.
//!
//! The idea: **a type says what may be handed over.** A function declared in these types ([`functions`]) cannot be
//! called wrongly with arguments of those types, so its wrapper is safe; functions that take raw memory are not
//! declared this way, and stay unsafe.
//!
//! [`functions`]: super::library::functions

use std::ffi::{CStr, c_char, c_double, c_int, c_uint, c_void};

use super::handle::{Handle, Image, Item};

/// What is handed to C.
///
/// # Safety
/// What `c` gives may be handed to every function that is declared to take `Self`, as long as the value lives.
pub unsafe trait Passed {
    /// As C takes it.
    type C;
    /// For one call.
    fn c(self) -> Self::C;
}

/// What C gives.
pub trait Given {
    /// As C gives it.
    type C;
    /// In our terms.
    ///
    /// # Safety
    /// A function that is declared to give `Self` has given it.
    unsafe fn given(c: Self::C) -> Self;
}

/// Values that are the same on both sides.
macro_rules! plain {
    ($($kind:ty),*) => {$(
        // SAFETY: a number; any is allowed.
        unsafe impl Passed for $kind {
            type C = Self;
            fn c(self) -> Self {
                self
            }
        }

        impl Given for $kind {
            type C = Self;
            unsafe fn given(c: Self) -> Self {
                c
            }
        }
    )*};
}
plain!(c_int, c_uint, c_double, f32, usize);

/// Kinds of objects that C gives and takes, as pointers.
macro_rules! objects {
    ($($(#[$doc:meta])* $object:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(Debug, Clone, Copy)]
        pub struct $object(pub(in crate::ffi) *mut std::ffi::c_void);

        // SAFETY: only the fence makes one, of what C gave as such an object.
        unsafe impl $crate::ffi::passed::Passed for $object {
            type C = *mut std::ffi::c_void;
            fn c(self) -> Self::C {
                self.0
            }
        }

        impl $crate::ffi::passed::Given for $object {
            type C = *mut std::ffi::c_void;
            unsafe fn given(c: Self::C) -> Self {
                Self(c)
            }
        }
    )*};
}
pub(super) use objects;

// SAFETY: C's TRUE and FALSE.
unsafe impl Passed for bool {
    type C = c_int;
    fn c(self) -> c_int {
        c_int::from(self)
    }
}

impl Given for bool {
    type C = c_int;
    unsafe fn given(c: c_int) -> Self {
        c != 0
    }
}

impl Given for () {
    type C = ();
    unsafe fn given((): ()) {}
}

/// An address; only unsafe code may interpret it.
impl<T> Given for *mut T {
    type C = Self;
    unsafe fn given(c: Self) -> Self {
        c
    }
}

// SAFETY: ends with NUL; functions that are declared so read it during the call alone.
unsafe impl Passed for &CStr {
    type C = *const c_char;
    fn c(self) -> *const c_char {
        self.as_ptr()
    }
}

// SAFETY: as above; NULL where the header allows it.
unsafe impl Passed for Option<&CStr> {
    type C = *const c_char;
    fn c(self) -> *const c_char {
        self.map_or(std::ptr::null(), CStr::as_ptr)
    }
}

// SAFETY: a place for one number; functions that are declared so write no more, during the call alone.
unsafe impl Passed for &mut c_int {
    type C = *mut c_int;
    fn c(self) -> *mut c_int {
        self
    }
}

// SAFETY: only the fence makes one, of what GIMP gave as an image; GIMP answers one that is gone with FALSE.
unsafe impl<H: Handle> Passed for Image<H> {
    type C = H;
    fn c(self) -> H {
        self.0
    }
}

// SAFETY: only the fence makes one, of what GIMP gave as an item; GIMP answers one that is gone with FALSE.
unsafe impl<H: Handle> Passed for Item<H> {
    type C = H;
    fn c(self) -> H {
        self.0
    }
}

// SAFETY: as above; the handle that names nothing where the header allows it.
unsafe impl<H: Handle> Passed for Option<Item<H>> {
    type C = H;
    fn c(self) -> H {
        self.map_or(H::NONE, |item| item.0)
    }
}

impl<H: Handle> Given for Option<Item<H>> {
    type C = H;
    unsafe fn given(c: H) -> Self {
        c.some().map(Item)
    }
}

/// A GeglBuffer, and the one reference to it.
#[derive(Debug)]
pub struct Buffer(pub(super) std::ptr::NonNull<c_void>);

impl Given for Option<Buffer> {
    type C = *mut c_void;
    unsafe fn given(c: *mut c_void) -> Self {
        std::ptr::NonNull::new(c).map(Buffer)
    }
}
