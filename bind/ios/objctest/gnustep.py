"""Turns the Objective-C that gobind generates into code for GNUstep.

gobind writes for Apple's runtime and ARC. The Objective-C of Debian is GCC's
runtime: no ARC, no properties without @synthesize, no subscripts. What is
changed is how memory is counted (retain, release and autorelease are written
where ARC puts them) and how instance variables are declared; selectors,
conversions and all calls stay as generated. The files that the tests run are
therefore not the ones that Xcode compiles.

    gnustep.py FOLDER     changes the .h, .m and .go files in it, in place
"""

import glob
import re
import sys

# Instance variables of the hand-written classes of gobind, which ARC's compiler
# would make by itself.
IVARS = {
    "goSeqDictionary": ("NSMutableDictionary *_dict;", "@synthesize dict = _dict;"),
    "GoSeqRef": ("int32_t _refnum; id _obj;", "@synthesize refnum = _refnum, obj = _obj;"),
    "RefCounter": ("id _obj; int _cnt;", "@synthesize obj = _obj, cnt = _cnt;"),
}
FREE_OBJ = "\n- (void)dealloc {\n  [_obj release];\n  [super dealloc];\n}\n"
FREE_REF = "\n- (void)dealloc {\n\t[__ref release];\n\t[super dealloc];\n}\n"


class Unexpected(Exception):
    """The generated text is not what this program was written for."""


def interface(match):
    """Declares the instance variables of a class."""
    head, name, rest = match.groups()
    ivar = IVARS[name][0] if name in IVARS else ("id __ref;" if "goSeqRefInterface" in rest else "")
    return f"{head}{name}{rest}{{ {ivar}\n}}"


def implementation(match):
    """Synthesizes the properties of a class and frees them."""
    name = match.group(1)
    if name in IVARS:
        return f"@implementation {name}\n{IVARS[name][1]}\n" + (FREE_OBJ if name == "RefCounter" else "")
    if name == "RefTracker" or name.startswith("goSeq"):
        return f"@implementation {name}\n"
    return f"@implementation {name}\n@synthesize _ref = __ref;\n{FREE_REF}"


def must(text, old, new, count=1):
    """Replaces text that has to be there, so that another gobind is noticed."""
    if text.count(old) != count:
        raise Unexpected(f"{old!r} is there {text.count(old)} times, not {count}")
    return text.replace(old, new)


def common(text):
    """What all files need."""
    text = text.replace("@import Foundation;", "#import <Foundation/Foundation.h>")
    text = re.sub(r"(@interface )(\w+)( : [^\n{]*)\{\n\}", interface, text)
    text = re.sub(r"@implementation (\w+) \{\n\}", implementation, text)
    text = text.replace("@property(strong, readonly) _Nonnull id _ref;", "@property(retain, readonly) id _ref;")
    text = text.replace("@property(strong) id obj;", "@property(retain) id obj;")
    text = text.replace("@property(strong, readonly) id obj;", "@property(retain, readonly) id obj;")
    text = text.replace("@property NSMutableDictionary *dict;", "@property(retain) NSMutableDictionary *dict;")
    # Own: kept. Made: autoreleased, as the caller of a method gets it.
    text = text.replace("__ref = ref;", "__ref = [ref retain];")
    text = re.sub(r"__ref = (go_seq_from_refnum\(.*\));", r"__ref = [\1 retain];", text)
    text = re.sub(r"(= )(\[\[\w+ alloc\] initWithRef:\w+\]);", r"\1[\2 autorelease];", text)
    text = re.sub(r"(\b_?\w+)\[(@\(\w+\))\]", r"[\1 objectForKey:\2]", text)
    return re.sub(r"(\b_\w+)\[(\w+)\] = (\w+);", r"[\1 setObject:\3 forKey:\2];", text)


def sequence(text):
    """The hand-written part of gobind, seq_darwin.m."""
    text = must(text, "@implementation goSeqDictionary\n\n", "@implementation goSeqDictionary\n@synthesize dict = _dict;\n\n")
    text = must(text, "    _obj = obj;", "    _obj = [obj retain];", 2)
    text = must(text, "return [[GoSeqRef alloc] initWithRefnum:refnum obj:NULL];",
                "return [[[GoSeqRef alloc] initWithRefnum:refnum obj:NULL] autorelease];")
    text = must(text, "return [[GoSeqRef alloc] initWithRefnum:refnum obj:go_seq_objc_from_refnum(refnum)];",
                "return [[[GoSeqRef alloc] initWithRefnum:refnum obj:go_seq_objc_from_refnum(refnum)] autorelease];")
    text = must(text, "  id obj = [tracker get:refnum];", "  id obj = [[[tracker get:refnum] retain] autorelease];")
    text = must(text, "  return res;\n}\n\nid go_seq_objc_from_refnum", "  return [res autorelease];\n}\n\nid go_seq_objc_from_refnum")
    text = must(text, "counter = [[RefCounter alloc] initWithObject:obj];", "counter = [[[RefCounter alloc] initWithObject:obj] autorelease];")
    text = must(text, "    DestroyRef(_refnum);\n  }\n", "    DestroyRef(_refnum);\n  }\n  [_obj release];\n  [super dealloc];\n")
    # GNUstep's headers lack this method of NSString.
    return re.sub(r"\[s getBytes:buf\s+maxLength:len.*?remainingRange:NULL\];", "used = len; memcpy(buf, [s UTF8String], len);",
                  text, flags=re.S)


def go(text):
    """The flags of the compiler and the linker; what is for Android."""
    text = text.replace('_ "golang.org/x/mobile/bind/java"\n', "")
    text = re.sub(
        r"#cgo CFLAGS: -x objective-c .*",
        "#cgo CFLAGS: -x objective-c -fobjc-runtime=gcc -fobjc-exceptions -fexceptions "
        "-fconstant-string-class=NSConstantString -Wno-nullability-completeness -Wno-objc-root-class -Wno-compare-distinct-pointer-types", text)
    return text.replace("#cgo LDFLAGS: -framework Foundation", "#cgo LDFLAGS: -lgnustep-base -lobjc")


def main():
    """Changes the files of the folder that was named."""
    for name in glob.glob(sys.argv[1] + "/*.[hm]") + glob.glob(sys.argv[1] + "/*.go"):
        with open(name, encoding="utf-8") as f:
            text = f.read()
        if name.endswith(".go"):
            text = go(text)
        else:
            text = common(text)
            if name.endswith("/seq_gs.m"):
                text = sequence(text)
        with open(name, "w", encoding="utf-8") as f:
            f.write(text)


main()
