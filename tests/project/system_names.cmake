# No public name of namespace ddpm is one that the C library and POSIX put into the global namespace: a program that includes
# their headers and says `using namespace ddpm;` may use every name unqualified. The names are those of the declarations at
# the beginning of a line inside `namespace ddpm {`.
# Given: source, the project's folder; compiler; eigen, its include folder; work, a folder for programs.
cmake_minimum_required(VERSION 3.25)

set(system_headers
    aio alloca argp arpa/ftp arpa/inet arpa/nameser arpa/telnet assert byteswap complex cpio crypt ctype dirent dlfcn elf endian
    envz err errno error execinfo fcntl features fenv float fmtmsg fnmatch fstab fts ftw gconv getopt glob gnu/libc-version grp
    gshadow iconv ifaddrs inttypes langinfo libgen libintl limits link locale malloc math mcheck memory mntent monetary mqueue
    net/ethernet net/if net/if_arp net/route netdb netinet/icmp6 netinet/in netinet/ip netinet/ip_icmp netinet/tcp netinet/udp
    nl_types obstack paths poll printf proc_service pthread pty pwd re_comp regex resolv sched search semaphore setjmp sgtty
    shadow signal spawn stab stdarg stddef stdint stdio stdlib string strings sys/auxv sys/epoll sys/eventfd sys/fanotify
    sys/file sys/fsuid sys/inotify sys/ioctl sys/ipc sys/klog sys/mman sys/mount sys/msg sys/param sys/personality sys/poll
    sys/prctl sys/ptrace sys/quota sys/random sys/reboot sys/resource sys/select sys/sem sys/sendfile sys/shm sys/signalfd
    sys/socket sys/stat sys/statfs sys/statvfs sys/swap sys/syscall sys/sysinfo sys/sysmacros sys/time sys/timeb sys/timerfd
    sys/times sys/timex sys/types sys/ucontext sys/uio sys/un sys/user sys/utsname sys/vfs sys/wait sys/xattr syscall sysexits
    syslog tar termio termios thread_db threads time ttyent uchar ucontext ulimit unistd utime utmp utmpx values wait wchar
    wctype wordexp)
set(inclusions "#include <Eigen/Core>\n")  # first: some of the others have macros of names that it has inside
foreach(header IN LISTS system_headers)
    string(APPEND inclusions "#if __has_include(<${header}.h>)\n#include <${header}.h>\n#endif\n")
endforeach()

# A line that looks the name up unqualified, and one that fails where the global namespace has another thing of that name.
# Of functions and types alone, one hides the other in the second; of templates and concepts nothing does.
function(use kind name result)
    set(line "namespace both_${name} { using ::${name}\\; using ddpm::${name}\\; }\n")
    if(kind STREQUAL "namespace")
        set(line "namespace alone_${name} = ${name}\\;\n")
    elseif(kind STREQUAL "called")
        string(APPEND line "template <class... A> auto use_${name}(A... a) -> decltype(${name}(a...))\\;\n")
    endif()
    set(${result} "${line}" PARENT_SCOPE)
endfunction()

# Appends "kind name" for each name that the text of a header puts into namespace ddpm, to the list of that name.
function(append_names text list)
    set(found "${${list}}")
    string(REGEX REPLACE "\n\\[\\[[a-z]+\\]\\] *" "\n" text "${text}")
    string(REGEX REPLACE "\nDDPM_[A-Z_]*INSTANCE[^\n]*" "\n" text "${text}")  # macros that declare nothing new
    string(REGEX REPLACE "[][;]" "@" text "${text}")  # which mean something in lists
    string(REPLACE "\\" "" text "${text}")
    string(REPLACE "\n" ";" lines "${text}")
    set(in_ddpm FALSE)
    set(in_inner FALSE)
    set(declaration "")
    set(is_template FALSE)
    foreach(line IN LISTS lines)
        if(declaration STREQUAL "")
            if(line MATCHES "^namespace ddpm {")
                set(in_ddpm TRUE)
            elseif(line MATCHES "^}  // namespace ddpm$")
                set(in_ddpm FALSE)
            elseif(line MATCHES "^namespace ddpm::([a-z_]+)[ :]")
                list(APPEND found "namespace ${CMAKE_MATCH_1}")
            elseif(in_ddpm AND line MATCHES "^namespace [a-z_:]+ {")
                set(in_inner TRUE)
            elseif(in_inner AND line MATCHES "^}  // namespace")
                set(in_inner FALSE)
            endif()
            if(NOT in_ddpm OR in_inner OR NOT line MATCHES "^[a-zA-Z]" OR
               line MATCHES "^namespace|^(public|protected|private):")
                continue()
            endif()
        endif()
        string(REGEX REPLACE "//.*" "" line "${line}")
        set(declaration "${declaration} ${line}")
        # The parameters of a template are no part of what is declared.
        if(declaration MATCHES "^ *template")
            set(is_template TRUE)
            string(REGEX REPLACE "^ *template *" "" declaration "${declaration}")
        endif()
        while(declaration MATCHES "^ *<")  # the brackets from within
            string(REGEX REPLACE "->" "" declaration "${declaration}")
            if(declaration MATCHES "^ *<[^<>]*>")
                string(REGEX REPLACE "^ *<[^<>]*>" "" declaration "${declaration}")
                if(declaration MATCHES "^ *$")
                    break()
                endif()
            elseif(declaration MATCHES "<[^<>]*>")
                string(REGEX REPLACE "<[^<>]*>" "" declaration "${declaration}")
            else()
                break()
            endif()
        endwhile()
        if(declaration MATCHES "^ *<")
            continue()
        elseif(declaration MATCHES "^ *$")
            set(declaration " ")
            continue()
        elseif(declaration MATCHES "^ *requires" AND NOT declaration MATCHES "[{@]")
            set(declaration " ")  # up to the end of its line
            continue()
        endif()
        set(kind "")
        if(declaration MATCHES "^ *(struct|class|union|enum class|enum) ([a-zA-Z0-9_]+)")
            set(kind called)
            set(name "${CMAKE_MATCH_2}")
        elseif(declaration MATCHES "^ *concept ([a-zA-Z0-9_]+)")
            set(kind other)
            set(name "${CMAKE_MATCH_1}")
        elseif(declaration MATCHES "^ *using ([a-zA-Z0-9_]+) =")
            set(name "${CMAKE_MATCH_1}")
            set(kind called)
            if(is_template)
                set(kind other)
            endif()
        elseif(declaration MATCHES "^ *using [a-zA-Z0-9_:]+::([a-zA-Z0-9_]+) +@")
            set(name "${CMAKE_MATCH_1}")
            set(kind other)
        elseif(declaration MATCHES "operator *[^a-z ]")
            set(kind none)
        elseif(declaration MATCHES "^[^(]*::~?[a-zA-Z0-9_]+\\(")
            set(kind none)  # a member, defined after its class
        elseif(declaration MATCHES "^[^(={]*[ &*>]([a-zA-Z0-9_]+) *(@|=|{)")
            set(kind other)
            set(name "${CMAKE_MATCH_1}")
        elseif(declaration MATCHES "^ *([^(]*decltype\\(auto\\))?[^(]*[ &*>]([a-zA-Z0-9_]+)\\(")
            set(kind called)
            set(name "${CMAKE_MATCH_2}")
        elseif(declaration MATCHES "[{@]")
            message(SEND_ERROR "what does this declare? ${declaration}")
            set(kind none)
        endif()
        if(NOT kind STREQUAL "")
            if(NOT kind STREQUAL "none")
                list(APPEND found "${kind} ${name}")
            endif()
            set(declaration "")
            set(is_template FALSE)
        endif()
    endforeach()
    set(${list} "${found}" PARENT_SCOPE)
endfunction()

# Compiles a program that includes or says `declarations` and uses all the names.
function(compile declarations names result output)
    list(REMOVE_DUPLICATES names)
    set(program "${inclusions}${declarations}\nusing namespace ddpm;\n")
    foreach(pair IN LISTS names)
        string(REGEX MATCH "^([a-z]+) (.+)$" pair "${pair}")
        set(kind "${CMAKE_MATCH_1}")
        set(name "${CMAKE_MATCH_2}")
        if(kind STREQUAL "called" AND "other ${name}" IN_LIST names)
            continue()
        endif()
        if(NOT name STREQUAL "detail")
            use(${kind} ${name} line)
            string(APPEND program "${line}")
        endif()
    endforeach()
    string(REPLACE "\\;" ";" program "${program}")
    file(WRITE "${work}/program.cpp" "${program}")
    execute_process(COMMAND "${compiler}" -std=c++20 -fsyntax-only "-I${source}/include" -isystem "${eigen}" -w -fmax-errors=0
        "${work}/program.cpp"
        OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE failed)
    set(${result} "${failed}" PARENT_SCOPE)
    set(${output} "${text}" PARENT_SCOPE)
endfunction()

# The check notices names that glibc has, of every kind.
set(taken "
using index = long;
struct stat {
};
template <class T>
struct error {
};
template <class T>
concept signal = true;
inline constexpr int daylight = 1;
template <class T>
    requires true
[[nodiscard]] int timezone(T) {
    return 1;
}
enum class clone {
};
template <class T>
using link = T;
[[nodiscard]] inline int timeval(int) {
    return 1;
}
")
set(names "")
append_names("namespace ddpm {\n${taken}}  // namespace ddpm\n" names)
compile("namespace ddpm { ${taken} }" "${names}" failed output)
foreach(name IN ITEMS index stat error signal daylight timezone clone link timeval)
    if(NOT output MATCHES "(both|use)_${name}[^a-z]")
        message(SEND_ERROR "not noticed that glibc has ${name} (of ${names}):\n${output}")
    endif()
endforeach()

file(GLOB_RECURSE headers "${source}/include/ddpm/*.hpp")
list(FILTER headers EXCLUDE REGEX "/detail/|\\.inl\\.hpp$")
set(names "")
foreach(header IN LISTS headers)
    file(READ "${header}" text)
    append_names("${text}" names)
endforeach()
foreach(known IN ITEMS "called isize" "called batch_view" "other batch" "called trainer" "called sample" "other Network"
        "other clean" "called pass" "called conditioned" "called guided" "called condition_form" "namespace nn" "namespace io")
    if(NOT known IN_LIST names)
        message(SEND_ERROR "the names of the headers have no ${known}")
    endif()
endforeach()
compile("#include <ddpm/ddpm.hpp>" "${names}" failed output)
if(failed)
    message(SEND_ERROR "a name of namespace ddpm is also a global one of the system's headers:\n${output}")
endif()
