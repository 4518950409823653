//! Sequences of C calls on the boundary that ships, over the stub's fake engine: wrong handles, sizes, strides, formats,
//! parameters, and two threads at once.
//!
//! The idea: **a host may pass any number, but not memory that is not there.** So whatever a picture claims that could be
//! accepted has its bytes, and what the boundary must not touch is compared with what it was.
#![no_main]

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use autochrome_abi::*;

/// Most calls of a sequence.
const CALLS: usize = 16;
/// Bytes of memory for a picture.
const ROOM: usize = 1 << 16;
/// What memory is filled with.
const FILL: u8 = 0x5C;

#[derive(Debug, Arbitrary)]
enum Call {
    SessionNew {
        config: Config,
        place: bool,
    },
    SessionFree(u8),
    Paint {
        session: u8,
        confidence: bool,
        work: Work,
    },
    /// Both on the same session: one may find it busy.
    Two {
        session: u8,
        works: Box<[Work; 2]>,
    },
    SessionInfo {
        session: u8,
        size: Size,
    },
    LastError(u8),
    ListNew {
        config: Config,
        place: bool,
    },
    ListLen(u8),
    ListGet {
        list: u8,
        index: u8,
        size: Size,
    },
    ListFree(u8),
    ParamsInit(Size),
    StatusName(u32),
}

/// What a struct states about its own size.
#[derive(Debug, Clone, Copy, Arbitrary)]
enum Size {
    Right,
    Null,
    Any(u16),
}

#[derive(Debug, Arbitrary)]
struct Config {
    size: Size,
    count: u8,
    many: bool,
    folders: Vec<Vec<u8>>,
}

#[derive(Debug, Arbitrary)]
struct Work {
    params: Params,
    input: Image,
    output: Image,
    hints: Option<Image>,
    /// The output is the input's memory, this much further on.
    shared: Option<u8>,
    stop_after: u8,
}

#[derive(Debug, Arbitrary)]
struct Params {
    size: Size,
    working_size: u16,
    strength: f32,
    temperature: f32,
    plain: bool,
    threads: u16,
    reserved: bool,
    model: Option<Vec<u8>>,
    device: Option<Vec<u8>>,
}

#[derive(Debug, Arbitrary)]
struct Image {
    size: Size,
    format: u8,
    width: u8,
    height: u8,
    wild: Option<(u32, u32)>,
    stride: Stride,
    null: bool,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Stride {
    Tight,
    Upwards,
    Gap(u8),
    UpwardsGap(u8),
    Any(i16),
    Wild(i64),
}

/// Everything a sequence holds. Handles stay in it after they are freed.
struct Host {
    api: &'static AutochromeApi,
    sessions: Vec<*mut AutochromeSession>,
    lists: Vec<*mut AutochromeModelList>,
}

/// A picture's claim, and the memory it lies in.
struct Claim {
    image: AutochromeImage,
    size: Size,
    /// Bytes of a row, when the claim is one that could be accepted.
    row: Option<usize>,
    top: isize,
}

fn api() -> &'static AutochromeApi {
    static API: OnceLock<usize> = OnceLock::new();
    let at = *API.get_or_init(|| autochrome_stub::autochrome_api(AUTOCHROME_ABI_MAJOR) as usize);
    // SAFETY: the stub's table is a static.
    unsafe { &*(at as *const AutochromeApi) }
}

/// `struct_size`, for a struct that is passed unless it is NULL. Larger claims are cut to what is there.
fn stated<T>(size: Size) -> u32 {
    match size {
        Size::Right | Size::Null => size_of::<T>() as u32,
        Size::Any(bytes) if usize::from(bytes) <= size_of::<T>() => bytes.into(),
        Size::Any(bytes) => u32::from(bytes) << 16,
    }
}

fn passed<T>(size: Size, value: &T) -> *const T {
    if matches!(size, Size::Null) { ptr::null() } else { value }
}

fn passed_mut<T>(size: Size, value: &mut T) -> *mut T {
    if matches!(size, Size::Null) { ptr::null_mut() } else { value }
}

/// A C string of these bytes, up to their first NUL.
fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).unwrap_or_default()
}

fn known(status: AutochromeStatus) {
    assert!(STATUS_NAMES.iter().any(|(number, _)| *number == status), "status {status}");
    assert_ne!(status, AUTOCHROME_INTERNAL_PANIC);
}

/// A text that the library gave: one line, never NULL.
fn line(text: *const c_char) {
    assert!(!text.is_null());
    // SAFETY: the header promises a string that ends.
    let text = unsafe { CStr::from_ptr(text) };
    assert!(text.to_str().is_ok_and(|text| !text.contains('\n')), "{text:?}");
}

impl Config {
    /// Calls `with` with the struct, its strings and its array alive.
    fn lend<T>(&self, with: impl FnOnce(*const AutochromeConfig) -> T) -> T {
        let texts: Vec<CString> = self.folders.iter().take(4).map(|folder| c_string(folder)).collect();
        let folders: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        let count = u32::from(self.count).min(u32::try_from(folders.len()).unwrap_or(0));
        let config = AutochromeConfig {
            struct_size: stated::<AutochromeConfig>(self.size),
            models_dir_count: if self.many { u32::MAX - count } else { count },
            models_dirs: if folders.is_empty() { ptr::null() } else { folders.as_ptr() },
        };
        with(passed(self.size, &config))
    }
}

impl Image {
    /// What is passed; a claim that could be accepted lies inside the memory.
    fn claim(&self, memory: *mut u8, shift: usize) -> Claim {
        let (width, height) = self.wild.unwrap_or((self.width.into(), self.height.into()));
        let format = u32::from(self.format);
        let pixel = match format {
            1 => 4,
            2 => 3,
            3 => 1,
            4 => 8,
            5 => 6,
            6 => 2,
            7 => 16,
            _ => 4,
        };
        let row = i128::from(width) * pixel;
        let stride = match self.stride {
            Stride::Tight => row,
            Stride::Upwards => -row,
            Stride::Gap(gap) => row + i128::from(gap),
            Stride::UpwardsGap(gap) => -row - i128::from(gap),
            Stride::Any(stride) => stride.into(),
            Stride::Wild(stride) => stride.into(),
        };
        let stride = isize::try_from(stride).unwrap_or(isize::MAX);
        let span = stride.unsigned_abs() as i128 * i128::from(height.saturating_sub(1)) + row;
        let fits = span + shift as i128 <= ROOM as i128 && width > 0 && height > 0;
        let top = if fits && stride < 0 { -stride * (height as isize - 1) } else { 0 } + shift as isize;
        // What does not fit has no memory: the library must refuse it for NULL, or for its numbers.
        let data = if self.null || !fits { ptr::null_mut() } else { memory.wrapping_offset(top).cast() };
        let image = AutochromeImage {
            struct_size: stated::<AutochromeImage>(self.size),
            format,
            width,
            height,
            stride,
            data,
        };
        let row = (fits && !data.is_null() && row <= stride.unsigned_abs() as i128).then_some(row as usize);
        Claim { image, size: self.size, row, top }
    }
}

impl Claim {
    fn pointer(&self) -> *const AutochromeImage {
        passed(self.size, &self.image)
    }

    /// Makes the claim's pixels in `after` what they are in `before`: what is left differs only if it was touched.
    fn forgive(&self, before: &[u8], after: &mut [u8]) {
        let Some(row) = self.row else { return };
        for y in 0..self.image.height as isize {
            let at = (self.top + y * self.image.stride) as usize;
            after[at..at + row].copy_from_slice(&before[at..at + row]);
        }
    }
}

impl Work {
    /// One call of `colorize` or `confidence`.
    fn run(&self, api: &AutochromeApi, session: *mut AutochromeSession, confidence: bool) {
        let mut first = vec![FILL; ROOM];
        for (index, byte) in first.iter_mut().enumerate() {
            *byte = (index * 7 % 251) as u8;
        }
        let mut second = vec![FILL; ROOM];
        let input = self.input.claim(first.as_mut_ptr(), 0);
        let output = match self.shared {
            Some(shift) => self.output.claim(first.as_mut_ptr(), shift.into()),
            None => self.output.claim(second.as_mut_ptr(), 0),
        };
        // Most of it is transparent, as hints are to be.
        let mut third: Vec<u8> =
            (0..ROOM).map(|index| if index / 16 % 3 == 0 { (index * 13 % 256) as u8 } else { 0 }).collect();
        let hints = self.hints.as_ref().map(|hints| hints.claim(third.as_mut_ptr(), 0));
        let hints_at = hints.as_ref().map_or(ptr::null(), Claim::pointer);
        let (before, other, hinted) = (first.clone(), second.clone(), third.clone());
        let mut left = self.stop_after;
        let status = self.params.lend(hints_at, |params| {
            let function = if confidence { api.confidence } else { api.colorize };
            let data = (&raw mut left).cast::<c_void>();
            // SAFETY: whatever the pictures claim that could be accepted is in one of the three; see `claim`.
            unsafe { function(session, params, input.pointer(), output.pointer(), Some(progress), data) }
        });
        known(status);
        assert!(third == hinted, "the hints were written");
        if status != AUTOCHROME_OK && status != AUTOCHROME_CANCELLED {
            assert!(first == before && second == other, "status {status}, and memory was written");
        }
        let outs = if self.shared.is_some() { (&before, &mut first) } else { (&other, &mut second) };
        output.forgive(outs.0, outs.1);
        assert!(first == before, "memory that is not the output's was written");
        assert!(second == other, "memory between or beyond the output's rows was written");
    }
}

impl Params {
    fn lend<T>(&self, hints: *const AutochromeImage, with: impl FnOnce(*const AutochromeParams) -> T) -> T {
        let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(c_string);
        let (model, device) = (text(&self.model), text(&self.device));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // A large working size is allowed and slow; so are many threads.
        let working_size = match self.working_size {
            size @ (0..=160 | 2049..) => size.into(),
            size => u32::from(size % 160),
        };
        let threads = if self.threads > 1024 { self.threads } else { self.threads % 4 };
        let params = AutochromeParams {
            struct_size: stated::<AutochromeParams>(self.size),
            working_size: if self.plain { 0 } else { working_size },
            strength: if self.plain { 1.0 } else { self.strength },
            temperature: if self.plain { -1.0 } else { self.temperature },
            threads: if self.plain { 1 } else { threads.into() },
            reserved: u32::from(self.reserved && !self.plain),
            model: if self.plain { ptr::null() } else { pointer(&model) },
            device: if self.plain { ptr::null() } else { pointer(&device) },
            hints,
        };
        with(passed(self.size, &params))
    }
}

/// Asks to stop after so many calls.
unsafe extern "C" fn progress(fraction: f32, data: *mut c_void) -> i32 {
    assert!((0.0..=1.0).contains(&fraction), "progress is {fraction}");
    // SAFETY: `Work::run` passes its own byte and waits for the call to return.
    let left = unsafe { &mut *data.cast::<u8>() };
    *left = left.saturating_sub(1);
    i32::from(*left == 1)
}

impl Host {
    fn session(&self, index: u8) -> *mut AutochromeSession {
        handle(&self.sessions, index)
    }

    fn list(&self, index: u8) -> *mut AutochromeModelList {
        handle(&self.lists, index)
    }

    fn call(&mut self, call: &Call) {
        let api = self.api;
        match call {
            Call::SessionNew { config, place } => {
                let mut made = ptr::without_provenance_mut(7);
                let at = if *place { ptr::null_mut() } else { &raw mut made };
                // SAFETY: the place and the config are there.
                let status = config.lend(|config| unsafe { (api.session_new)(config, at) });
                known(status);
                assert_eq!(status == AUTOCHROME_OK, !*place && !made.is_null());
                if status == AUTOCHROME_OK {
                    self.sessions.push(made);
                }
            }
            // SAFETY: a handle is a number to the library.
            Call::SessionFree(index) => unsafe { (api.session_free)(self.session(*index)) },
            Call::Paint { session, confidence, work } => work.run(api, self.session(*session), *confidence),
            Call::Two { session, works } => {
                let session = self.session(*session).addr();
                std::thread::scope(|scope| {
                    for work in works.iter() {
                        scope.spawn(move || work.run(api, ptr::without_provenance_mut(session), false));
                    }
                });
            }
            Call::SessionInfo { session, size } => {
                let stated = stated::<AutochromeSessionInfo>(*size);
                let null = ptr::null();
                let mut info = AutochromeSessionInfo {
                    struct_size: stated,
                    reserved: 0,
                    model: null,
                    device: null,
                    fallback: null,
                };
                let at = passed_mut(*size, &mut info);
                // SAFETY: no more than the struct is claimed.
                let status = unsafe { (api.session_info)(self.session(*session), at) };
                known(status);
                if status == AUTOCHROME_OK {
                    line(info.model);
                    assert_eq!(info.struct_size, stated);
                }
            }
            // SAFETY: a handle is a number to the library.
            Call::LastError(index) => line(unsafe { (api.last_error)(self.session(*index)) }),
            Call::ListNew { config, place } => {
                let mut made = ptr::without_provenance_mut(7);
                let at = if *place { ptr::null_mut() } else { &raw mut made };
                // SAFETY: the place and the config are there.
                let status = config.lend(|config| unsafe { (api.model_list_new)(config, at) });
                known(status);
                assert_eq!(status == AUTOCHROME_OK, !*place && !made.is_null());
                if status == AUTOCHROME_OK {
                    self.lists.push(made);
                }
            }
            // SAFETY: a handle is a number to the library.
            Call::ListLen(index) => assert!(unsafe { (api.model_list_len)(self.list(*index)) } < 2000),
            Call::ListGet { list, index, size } => self.list_get(*list, *index, *size),
            // SAFETY: a handle is a number to the library.
            Call::ListFree(index) => unsafe { (api.model_list_free)(self.list(*index)) },
            Call::ParamsInit(size) => {
                // SAFETY: every field is a number or a pointer.
                let mut params = unsafe { std::mem::zeroed::<AutochromeParams>() };
                params.struct_size = stated::<AutochromeParams>(*size);
                // SAFETY: no more than the struct is claimed.
                known(unsafe { (api.params_init)(passed_mut(*size, &mut params)) });
            }
            // SAFETY: it takes a number.
            Call::StatusName(status) => line(unsafe { (api.status_name)(*status as AutochromeStatus) }),
        }
    }

    fn list_get(&self, list: u8, index: u8, size: Size) {
        // SAFETY: every field is a number or a pointer.
        let mut info = unsafe { std::mem::zeroed::<AutochromeModelInfo>() };
        info.struct_size = stated::<AutochromeModelInfo>(size);
        let at = passed_mut(size, &mut info);
        // SAFETY: no more than the struct is claimed.
        let status = unsafe { (self.api.model_list_get)(self.list(list), index.into(), at) };
        known(status);
        if status == AUTOCHROME_OK {
            [info.name, info.folder, info.license, info.problem].into_iter().for_each(line);
        }
    }
}

/// One that was made, NULL, or a number nobody gave.
fn handle<T>(made: &[*mut T], index: u8) -> *mut T {
    match usize::from(index) {
        255 => ptr::without_provenance_mut(0xDEAD_BEE0),
        254 => ptr::null_mut(),
        index if made.is_empty() => ptr::without_provenance_mut(index),
        index => made[index % made.len()],
    }
}

libfuzzer_sys::fuzz_target!(init: autochrome_fuzz::set_up(), |calls: Vec<Call>| {
    autochrome_fuzz::run(|| {
        let mut host = Host { api: api(), sessions: Vec::new(), lists: Vec::new() };
        calls.iter().take(CALLS).for_each(|call| host.call(call));
        // SAFETY: handles are numbers to the library; freeing one twice is allowed.
        host.sessions.iter().for_each(|session| unsafe { (host.api.session_free)(*session) });
        // SAFETY: as above.
        host.lists.iter().for_each(|list| unsafe { (host.api.model_list_free)(*list) });
    });
});
