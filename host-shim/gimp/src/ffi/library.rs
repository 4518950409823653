//! A library that is opened at run time, and tables of its functions.

use std::ffi::CStr;

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};

use crate::error::Error;

/// A library of GIMP's, open until the program ends. Functions of the libraries it needs are found through it too.
pub struct Lib {
    name: &'static str,
    library: std::mem::ManuallyDrop<Library>,
}

impl Lib {
    /// Opens the library as the system finds it.
    pub fn open(name: &'static str) -> Result<Self, Error> {
        // SAFETY: runs the constructors of GIMP's own library, inside a program that GIMP started.
        let library = unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_LOCAL) };
        let library = library.map_err(|error| {
            Error::new(format!("GIMP's library {name} could not be opened ({error}); reinstall GIMP"))
        })?;
        Ok(Self { name, library: std::mem::ManuallyDrop::new(library) })
    }

    /// A function of it.
    ///
    /// # Safety
    /// `F` is the function's type.
    pub unsafe fn function<F: Copy>(&self, name: &str) -> Result<F, Error> {
        // SAFETY: the caller vouches for the type; the library is never closed.
        let found = unsafe { self.library.get::<F>(name.as_bytes()) };
        found.map(|symbol| *symbol).map_err(|_| {
            Error::new(format!("{} has no function {name}; expected GIMP 2.10, or 3.0 or later", self.name))
        })
    }
}

/// Declares a table of functions: how it is loaded, and a safe method for each function whose arguments and result have
/// types that say all there is to say ([`super::passed`]). Those in the part `unsafe` have the types of C, and are called
/// with the promises of the header. A function with two names has that of GIMP 2.10 first; the number given to `load`
/// chooses. A table stays on its thread, as GIMP's libraries do.
macro_rules! functions {
    (@result) => { () };
    (@result $ret:ty) => { $ret };
    ($(#[$doc:meta])* $table:ident$(<$handle:ident>)? {
        $($field:ident = $first:literal $(or $second:literal)?:
            fn($($name:ident: $arg:ty),* $(,)?) $(-> $ret:ty)?),* $(,)?
    } $(unsafe {
        $($raw:ident = $raw_name:literal: fn($($raw_arg:ty),* $(; $dots:tt)?) $(-> $raw_ret:ty)?),* $(,)?
    })?) => {
        $(#[$doc])*
        struct $table$(<$handle: $crate::ffi::handle::Handle>)? {
            $($field: unsafe extern "C" fn(
                $(<$arg as $crate::ffi::passed::Passed>::C),*
            ) -> <functions!(@result $($ret)?) as $crate::ffi::passed::Given>::C,)*
            $($($raw: unsafe extern "C" fn($($raw_arg),* $(, $dots)?) $(-> $raw_ret)?,)*)?
            _one_thread: std::marker::PhantomData<*mut ()>,
        }

        impl$(<$handle: $crate::ffi::handle::Handle>)? $table$(<$handle>)? {
            fn load(lib: &$crate::ffi::library::Lib, generation: usize) -> Result<Self, $crate::error::Error> {
                let named = |names: &[&'static str]| names[generation.min(names.len() - 1)];
                $(
                    // SAFETY: the type is the one in the headers of both generations.
                    let $field = unsafe { lib.function(named(&[$first $(, $second)?])) }?;
                )*
                $($(
                    // SAFETY: as above.
                    let $raw = unsafe { lib.function(named(&[$raw_name])) }?;
                )*)?
                Ok(Self { $($field,)* $($($raw,)*)? _one_thread: std::marker::PhantomData })
            }

            $(
                #[allow(clippy::too_many_arguments, reason = "as many as the function has")]
                fn $field(&self, $($name: $arg),*) $(-> $ret)? {
                    // SAFETY: the function has the type of the header, and is called on the thread its library was opened
                    // on; by their types, the arguments are what it may be given, and the result is what it gives.
                    unsafe { $crate::ffi::passed::Given::given(
                        (self.$field)($($crate::ffi::passed::Passed::c($name)),*)
                    ) }
                }
            )*
        }
    };
}
pub(super) use functions;

/// A copy of a C string; empty for NULL.
///
/// # Safety
/// `text` is NULL or a string that ends with NUL.
pub unsafe fn copied(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
