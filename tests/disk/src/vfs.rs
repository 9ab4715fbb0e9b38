//! A virtual file system that passes every call on to SQLite's own, unless the plan says otherwise.
//!
//! The layout is SQLite's: a file is a struct that begins with the pointer to its methods, in memory
//! that SQLite allocates as large as the file system says, and ours holds the other's file behind
//! itself. <https://sqlite.org/vfs.html>

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libsqlite3_sys as ffi;

use crate::fault::{Call, Fault, Lasting, Plan, Verdict};

/// A disk for the databases of one test.
pub struct Disk {
    vfs: *mut Vfs,
    plan: Arc<Plan>,
    name: String,
}

// The raw pointer is used only to unregister; SQLite guards its list of file systems by a mutex, and
// the plan has one of its own.
unsafe impl Send for Disk {}
unsafe impl Sync for Disk {}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Disk {
    /// A disk without a fault.
    ///
    /// # Panics
    ///
    /// If SQLite does not register it.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("lback-disk-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let plan = Arc::new(Plan::default());
        // SAFETY: initialises SQLite, and gives a file system that lives as long as the process.
        let real = unsafe {
            ffi::sqlite3_initialize();
            ffi::sqlite3_vfs_find(ptr::null())
        };
        assert!(!real.is_null(), "SQLite has a file system of its own");
        let vfs = Box::into_raw(Box::new(Vfs::over(real, &name, Arc::clone(&plan))));
        // SAFETY: `vfs` stays where it is until it is unregistered.
        let registered = unsafe { ffi::sqlite3_vfs_register(vfs.cast(), 0) };
        assert_eq!(registered, ffi::SQLITE_OK, "SQLite takes the file system");
        Self { vfs, plan, name }
    }

    /// What to connect to for a database file on this disk.
    pub fn url(&self, file: &Path) -> String {
        let path = file.display().to_string().replace('\\', "/");
        let root = if path.starts_with('/') { "" } else { "///" };
        format!("file:{root}{path}?vfs={}", self.name)
    }

    /// Lets the call with this number fail: 1 is the next one that the fault concerns.
    pub fn break_at(&self, number: u32, fault: Fault, lasting: Lasting) {
        self.plan.set(fault, number, lasting);
    }

    /// Nothing fails from now on. Says which call has failed first, if any.
    pub fn repair(&self) -> Option<String> {
        self.plan.end().map(|call| format!("{call:?}"))
    }
}

impl Drop for Disk {
    /// All connections must be closed by then.
    fn drop(&mut self) {
        // SAFETY: it was registered, and comes from a box. No file is open on it any more.
        unsafe {
            ffi::sqlite3_vfs_unregister(self.vfs.cast());
            drop(Box::from_raw(self.vfs));
        }
    }
}

#[repr(C)]
struct Vfs {
    base: ffi::sqlite3_vfs,
    real: *mut ffi::sqlite3_vfs,
    plan: Arc<Plan>,
    /// `base.zName` points into it.
    _name: CString,
}

#[repr(C, align(8))]
struct File {
    base: ffi::sqlite3_file,
    /// Kept alive by the file system, which outlives its files.
    plan: *const Plan,
}

impl Vfs {
    fn over(real: *mut ffi::sqlite3_vfs, name: &str, plan: Arc<Plan>) -> Self {
        let name = CString::new(name).expect("no NUL in it");
        // SAFETY: SQLite's own file system is never changed once it is registered.
        let other = unsafe { *real };
        let own = c_int::try_from(size_of::<File>()).expect("a small struct");
        let base = ffi::sqlite3_vfs {
            // Without the setting of system calls, which version 3 adds.
            iVersion: 2,
            szOsFile: own + other.szOsFile,
            mxPathname: other.mxPathname,
            pNext: ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_int64),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        Self {
            base,
            real,
            plan,
            _name: name,
        }
    }
}

/// The methods of every file of ours. Version 2 has shared memory, which WAL needs, and no mapping
/// of the file itself, which would be read past us.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The real file behind one of ours.
unsafe fn real_file(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite allocated both, one behind the other, and `File` is aligned as SQLite aligns every allocation.
    unsafe { file.cast::<File>().add(1).cast() }
}

unsafe fn ask(file: *mut ffi::sqlite3_file, call: Call) -> Verdict {
    // SAFETY: `open` has set it, and the file system outlives the file.
    unsafe { (*(*file.cast::<File>()).plan).ask(call) }
}

unsafe fn vfs<'v>(vfs: *mut ffi::sqlite3_vfs) -> &'v Vfs {
    // SAFETY: SQLite gives back what was registered.
    unsafe { &*vfs.cast::<Vfs>() }
}

/// Calls the method of the real file, as the plan wants it.
macro_rules! pass {
    ($file:expr, $call:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: the file is ours, and open; the arguments are SQLite's own.
        unsafe {
            let real = real_file($file);
            let method = (*(*real).pMethods).$method.expect("the real file has all methods");
            match ask($file, $call) {
                Verdict::Pass => method(real $(, $argument)*),
                Verdict::Fail(code) | Verdict::FailHalf(code) => code,
                Verdict::FailDone(code) => match method(real $(, $argument)*) {
                    ffi::SQLITE_OK => code,
                    failed => failed,
                },
            }
        }
    }};
}

/// Calls the method of the real file, whatever the plan is.
macro_rules! forward {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: as in `pass`.
        unsafe {
            let real = real_file($file);
            let method = (*(*real).pMethods).$method.expect("the real file has all methods");
            method(real $(, $argument)*)
        }
    }};
}

unsafe extern "C" fn open(
    own: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: `file` has room for `File` and the real file behind it. Without methods SQLite does not
    // close it.
    unsafe {
        let own = vfs(own);
        file.cast::<File>().write(File {
            base: ffi::sqlite3_file {
                pMethods: ptr::null(),
            },
            plan: Arc::as_ptr(&own.plan),
        });
        if let Verdict::Fail(code) = own.plan.ask(Call::Open) {
            return code;
        }
        let open = (*own.real).xOpen.expect("it opens files");
        let opened = open(own.real, name, real_file(file), flags, out_flags);
        if !(*real_file(file)).pMethods.is_null() {
            (*file).pMethods = &raw const METHODS;
        }
        opened
    }
}

unsafe extern "C" fn delete(own: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: the arguments are SQLite's own. The directory need not be synced: nothing crashes here.
    unsafe {
        let own = vfs(own);
        let delete = (*own.real).xDelete.expect("it deletes files");
        let _ = sync;
        match own.plan.ask(Call::Delete) {
            Verdict::Pass => delete(own.real, name, 0),
            Verdict::Fail(code) | Verdict::FailHalf(code) => code,
            Verdict::FailDone(code) => {
                delete(own.real, name, 0);
                code
            }
        }
    }
}

unsafe extern "C" fn access(
    own: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let own = vfs(own);
        let access = (*own.real).xAccess.expect("it looks for files");
        match own.plan.ask(Call::Access) {
            Verdict::Fail(code) => code,
            _ => access(own.real, name, flags, result),
        }
    }
}

unsafe extern "C" fn full_pathname(
    own: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    full: *mut c_char,
) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let real = vfs(own).real;
        (*real).xFullPathname.expect("it knows paths")(real, name, length, full)
    }
}

unsafe extern "C" fn randomness(
    own: *mut ffi::sqlite3_vfs,
    length: c_int,
    bytes: *mut c_char,
) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let real = vfs(own).real;
        (*real).xRandomness.expect("it knows chance")(real, length, bytes)
    }
}

/// Who waits for a lock that never comes free is told at once that time has passed.
unsafe extern "C" fn sleep(_own: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn current_time(own: *mut ffi::sqlite3_vfs, time: *mut f64) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let real = vfs(own).real;
        (*real).xCurrentTime.expect("it has a clock")(real, time)
    }
}

unsafe extern "C" fn current_time_int64(own: *mut ffi::sqlite3_vfs, time: *mut i64) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let real = vfs(own).real;
        (*real).xCurrentTimeInt64.expect("it has a clock")(real, time)
    }
}

unsafe extern "C" fn last_error(
    own: *mut ffi::sqlite3_vfs,
    length: c_int,
    text: *mut c_char,
) -> c_int {
    // SAFETY: the arguments are SQLite's own.
    unsafe {
        let real = vfs(own).real;
        (*real).xGetLastError.expect("it knows its errors")(real, length, text)
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    forward!(file, xClose)
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    pass!(file, Call::Read, xRead, buffer, amount, offset)
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is ours.
    let verdict = unsafe { ask(file, Call::Write) };
    // Half of what SQLite wants written is inside its buffer too.
    match verdict {
        Verdict::Pass => forward!(file, xWrite, buffer, amount, offset),
        Verdict::Fail(code) => code,
        Verdict::FailHalf(code) => {
            forward!(file, xWrite, buffer, amount / 2, offset);
            code
        }
        Verdict::FailDone(code) => {
            forward!(file, xWrite, buffer, amount, offset);
            code
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    pass!(file, Call::Truncate, xTruncate, size)
}

/// Counted, and not done: a test does not crash the machine, and syncing takes most of its time.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is ours.
    match unsafe { ask(file, Call::Sync) } {
        Verdict::Pass => ffi::SQLITE_OK,
        Verdict::Fail(code) | Verdict::FailHalf(code) | Verdict::FailDone(code) => code,
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    pass!(file, Call::FileSize, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, kind: c_int) -> c_int {
    pass!(file, Call::Lock, xLock, kind)
}

/// A lock that could not be given back must not outlive the test: it is given back all the same.
unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, kind: c_int) -> c_int {
    let unlocked = forward!(file, xUnlock, kind);
    // SAFETY: the file is ours.
    match unsafe { ask(file, Call::Unlock) } {
        Verdict::Pass => unlocked,
        Verdict::Fail(code) | Verdict::FailHalf(code) | Verdict::FailDone(code) => code,
    }
}

unsafe extern "C" fn check_reserved_lock(
    file: *mut ffi::sqlite3_file,
    result: *mut c_int,
) -> c_int {
    pass!(file, Call::CheckReservedLock, xCheckReservedLock, result)
}

unsafe extern "C" fn file_control(
    file: *mut ffi::sqlite3_file,
    operation: c_int,
    argument: *mut c_void,
) -> c_int {
    forward!(file, xFileControl, operation, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    forward!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    forward!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    memory: *mut *mut c_void,
) -> c_int {
    pass!(file, Call::MapShared, xShmMap, page, size, extend, memory)
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SQLite does not look whether giving a lock back has failed.
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        return forward!(file, xShmLock, offset, count, flags);
    }
    pass!(file, Call::LockShared, xShmLock, offset, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    forward!(file, xShmBarrier);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    forward!(file, xShmUnmap, delete)
}
