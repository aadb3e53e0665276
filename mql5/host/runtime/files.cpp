#include "api/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "api/convert.hpp"
#include "host.hpp"
#include "sandbox.hpp"

namespace mql {

namespace {

// The content is held in memory from opening to closing, so that what was not flushed dies with the process.
struct open_file {
  int fd = -1;
  std::string name;
  int flags = 0;
  char delimiter = '\t';
  uint codepage = 0;
  bool line_end = false;
  std::string content;
  std::size_t at = 0;
  std::size_t dirty = std::string::npos;  // first changed byte
};

std::vector<open_file> &handles() {
  static auto *all = new std::vector<open_file>;
  return *all;
}

open_file *at(int handle) {
  if (handle < 1 || handle > static_cast<int>(handles().size()) || handles()[static_cast<std::size_t>(handle - 1)].fd < 0) {
    fail(ERR_WRONG_FILEHANDLE);
    return nullptr;
  }
  return &handles()[static_cast<std::size_t>(handle - 1)];
}

bool is_text(const open_file &f) { return (f.flags & (FILE_TXT | FILE_CSV)) != 0; }
bool is_ansi(const open_file &f) { return (f.flags & FILE_ANSI) != 0; }

std::string encoded(const open_file &f, const string &text) {
  if (is_ansi(f)) return encode(text, f.codepage);
  std::string out;
  for (const char16_t unit : text.units()) {
    out += static_cast<char>(unit & 0xFF);
    out += static_cast<char>(unit >> 8);
  }
  return out;
}

string decoded(const open_file &f, const std::string &bytes) {
  if (is_ansi(f)) return decode(bytes, f.codepage);
  std::u16string out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    out += static_cast<char16_t>(static_cast<unsigned char>(bytes[i]) | static_cast<unsigned char>(bytes[i + 1]) << 8);
  return string(out);
}

int byte_of(open_file &f) { return f.at < f.content.size() ? static_cast<unsigned char>(f.content[f.at++]) : -1; }

int unit_of(open_file &f) {
  const int low = byte_of(f);
  if (low == -1 || is_ansi(f)) return low;
  const int high = byte_of(f);
  return high == -1 ? -1 : low | high << 8;
}

void load(open_file &f) {
  char chunk[65536];
  for (ssize_t n; (n = read(f.fd, chunk, sizeof chunk)) > 0;) f.content.append(chunk, static_cast<std::size_t>(n));
}

void put(open_file &f, const char *bytes, std::size_t size) {
  if (f.at > f.content.size()) f.content.resize(f.at);
  f.dirty = std::min(f.dirty, f.at);
  f.content.replace(f.at, size, bytes, size);
  f.at += size;
}

void store(open_file &f) {
  for (std::size_t from = f.dirty; from < f.content.size();) {
    const ssize_t n = pwrite(f.fd, f.content.data() + from, f.content.size() - from, static_cast<off_t>(from));
    if (n <= 0) die("cannot write " + f.name);
    from += static_cast<std::size_t>(n);
  }
  f.dirty = std::string::npos;
}

// Windows' sharing, as far as one lock can say it: a writer that does not share writing is alone.
bool lock(int fd, int flags) {
  const bool alone = (flags & FILE_WRITE) != 0 ? (flags & FILE_SHARE_WRITE) == 0 : (flags & (FILE_SHARE_READ | FILE_SHARE_WRITE)) == 0;
  return flock(fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
}

}  // namespace

int FileOpen(const string &name, int flags, short delimiter, uint codepage) {
  const bool reads = (flags & FILE_READ) != 0, writes = (flags & FILE_WRITE) != 0;
  if (!reads && !writes) die("FileOpen(\"" + name.utf8() + "\") with neither FILE_READ nor FILE_WRITE");
  if ((flags & (FILE_BIN | FILE_TXT | FILE_CSV)) == 0) flags |= FILE_CSV;
  std::string path;
  if (!sandboxed(name, flags, path)) return fail(ERR_WRONG_FILENAME);
  if (is_directory(path)) return fail(ERR_FILE_IS_DIRECTORY);
  if (!writes && access(path.c_str(), F_OK) != 0) return fail(ERR_FILE_NOT_EXIST);
  if (writes) make_parents(path);
  const int fd = open(path.c_str(), (reads && writes ? O_RDWR : writes ? O_RDWR : O_RDONLY) | (writes ? O_CREAT : 0) | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ERR_CANNOT_OPEN_FILE);
  if (!lock(fd, flags)) { close(fd); return fail(ERR_CANNOT_OPEN_FILE); }
  if (writes && !reads && ftruncate(fd, 0) != 0) { close(fd); return fail(ERR_CANNOT_OPEN_FILE); }
  open_file f;
  f.fd = fd;
  f.name = path;
  f.flags = flags;
  f.delimiter = static_cast<char>(delimiter);
  f.codepage = codepage;
  load(f);
  if (is_text(f) && !is_ansi(f)) {
    if (f.content.empty() && writes) put(f, "\xFF\xFE", 2);
    f.at = f.content.size() < 2 ? f.content.size() : 2;
  }
  for (std::size_t i = 0; i < handles().size(); ++i)
    if (handles()[i].fd < 0) { handles()[i] = f; return static_cast<int>(i) + 1; }
  if (handles().size() >= 64) { close(fd); return fail(ERR_TOO_MANY_FILES); }
  handles().push_back(f);
  return static_cast<int>(handles().size());
}

void FileClose(int handle) {
  open_file *f = at(handle);
  if (f == nullptr) die("FileClose of the invalid handle " + std::to_string(handle));
  store(*f);
  close(f->fd);
  *f = open_file{};
}

void FileFlush(int handle) {
  open_file *f = at(handle);
  if (f == nullptr) die("FileFlush of the invalid handle " + std::to_string(handle));
  host().passing("before_flush", f->name);
  store(*f);
  fsync(f->fd);
  host().passing("after_flush", f->name);
}

bool FileSeek(int handle, long offset, ENUM_FILE_POSITION origin) {
  open_file *f = at(handle);
  if (f == nullptr) return false;
  const long base = origin == SEEK_SET ? 0 : static_cast<long>(origin == SEEK_CUR ? f->at : f->content.size());
  if (base + offset < 0) { fail(ERR_FILE_READERROR); return false; }
  f->at = static_cast<std::size_t>(base + offset);
  return true;
}

ulong FileTell(int handle) {
  const open_file *f = at(handle);
  return f == nullptr ? 0 : f->at;
}

ulong FileSize(int handle) {
  const open_file *f = at(handle);
  return f == nullptr ? 0 : f->content.size();
}

bool FileIsEnding(int handle) {
  open_file *f = at(handle);
  return f == nullptr || FileTell(handle) >= FileSize(handle);
}

bool FileIsLineEnding(int handle) {
  open_file *f = at(handle);
  return f == nullptr || f->line_end;
}

string FileReadString(int handle, int length) {
  open_file *f = at(handle);
  if (f == nullptr) return string();
  if ((f->flags & FILE_READ) == 0) { fail(ERR_FILE_NOTTOREAD); return string(); }
  std::string bytes;
  if (!is_text(*f)) {
    if (length < 0) die("FileReadString of a binary file needs a length");
    for (int i = 0, unit = 0; i < length && (unit = unit_of(*f)) != -1; ++i) {
      bytes += static_cast<char>(unit & 0xFF);
      if (!is_ansi(*f)) bytes += static_cast<char>(unit >> 8);
    }
    return decoded(*f, bytes);
  }
  f->line_end = false;
  for (int unit = 0; (unit = unit_of(*f)) != -1;) {
    if (unit == '\n') { f->line_end = true; break; }
    if (unit == '\r') continue;
    if ((f->flags & FILE_CSV) != 0 && unit == f->delimiter) break;
    bytes += static_cast<char>(unit & 0xFF);
    if (!is_ansi(*f)) bytes += static_cast<char>(unit >> 8);
  }
  return decoded(*f, bytes);
}

std::size_t write_bytes(int handle, const void *from, std::size_t size) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if ((f->flags & FILE_WRITE) == 0) { fail(ERR_FILE_NOTTOWRITE); return 0; }
  long &left = host().disk_left;
  if (left >= 0 && static_cast<std::size_t>(left) < size) {
    size = static_cast<std::size_t>(left);
    fail(ERR_FILE_WRITEERROR);
  }
  if (left >= 0) left -= static_cast<long>(size);
  put(*f, static_cast<const char *>(from), size);
  return size;
}

std::size_t read_bytes(int handle, void *to, std::size_t size) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if ((f->flags & FILE_READ) == 0) { fail(ERR_FILE_NOTTOREAD); return 0; }
  if (is_text(*f)) die("a binary read of a text file");
  const std::size_t n = f->at < f->content.size() ? std::min(size, f->content.size() - f->at) : 0;
  if (n > 0) std::memcpy(to, f->content.data() + f->at, n);
  f->at += n;
  return n;
}

uint FileWriteString(int handle, const string &text, int length) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  string out = length >= 0 ? StringSubstr(text, 0, length) : text;
  if (is_text(*f)) { StringReplace(out, lit(u"\r\n"), lit(u"\n")); StringReplace(out, lit(u"\n"), lit(u"\r\n")); }
  const std::string bytes = encoded(*f, out);
  return static_cast<uint>(write_bytes(handle, bytes.data(), bytes.size()));
}

uint write_fields(int handle, const format_arg *args, int count) {
  open_file *f = at(handle);
  if (f == nullptr) return 0;
  if (!is_text(*f)) { fail(ERR_FILE_NOTTXTORCSV); return 0; }
  const string between = (f->flags & FILE_CSV) != 0 ? CharToString(static_cast<uchar>(f->delimiter)) : lit(u"");
  return FileWriteString(handle, join(args, count, between) + lit(u"\n"));
}

long FileReadLong(int handle) { long v = 0; read_bytes(handle, &v, sizeof v); return v; }
double FileReadDouble(int handle) { double v = 0; read_bytes(handle, &v, sizeof v); return v; }
int FileReadInteger(int handle, int size) {
  if (size != 4) die("FileReadInteger reads 4 bytes here");
  int v = 0;
  read_bytes(handle, &v, sizeof v);
  return v;
}
uint FileWriteLong(int handle, long value) { return static_cast<uint>(write_bytes(handle, &value, sizeof value)); }
uint FileWriteDouble(int handle, double value) { return static_cast<uint>(write_bytes(handle, &value, sizeof value)); }
uint FileWriteInteger(int handle, int value, int size) {
  if (size != 4) die("FileWriteInteger writes 4 bytes here");
  return static_cast<uint>(write_bytes(handle, &value, sizeof value));
}

bool is_open_file(const std::string &path) {
  for (const open_file &f : handles())
    if (f.fd >= 0 && f.name == path) return true;
  return false;
}

}  // namespace mql
