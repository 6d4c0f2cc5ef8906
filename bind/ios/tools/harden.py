#!/usr/bin/env python3
"""Closes two ways in which the classes that gobind generates end an application.

Go calls a listener through a C function of these classes. An exception that left
it would unwind Go's stack, which nothing survives. Each call of a listener is put
into a @try: what is thrown is logged, and becomes the error of a method that can
give one.

Classes whose objects only the library makes inherit init of NSObject, and every
method of what it makes throws. It is declared unavailable, so that no compiler
takes it.

    harden.py FOLDER     changes ParleyMobile_darwin.m and ParleyMobile.objc.h in
                         it, in place
"""

import re
import sys

HELPER = """
// What a listener has thrown, as an error.
static NSError *parley_thrown(id thrown) {
	NSString *what = [thrown description];
	if ([thrown isKindOfClass:[NSException class]]) {
		what = [NSString stringWithFormat:@"%@: %@", [(NSException *)thrown name], [(NSException *)thrown reason]];
	}
	NSLog(@"parley: a listener has thrown %@", what);
	return [NSError errorWithDomain:@"parley" code:1 userInfo:[NSDictionary dictionaryWithObject:what ?: @"nothing" forKey:NSLocalizedDescriptionKey]];
}
"""

CALL = re.compile(r"^(\t+)(?:(\w+) = )?\[o (.*)\];$", re.MULTILINE)


def guarded(match):
    """A call of a listener's method between @try and @catch."""
    indent, result, call = match.groups()
    statement = match.group(0).strip()
    error = re.search(r":&(\w+)$", call)
    if result and error:
        caught = f'{result} = @"";\n{indent}\t{error.group(1)} = parley_thrown(thrown);'
    elif not result and not error:
        caught = "parley_thrown(thrown);"
    else:
        raise ValueError(f"a listener's method of another kind: {statement}")
    return f"{indent}@try {{\n{indent}\t{statement}\n{indent}}} @catch (id thrown) {{\n{indent}\t{caught}\n{indent}}}"


def sealed(match):
    """A class that nobody may make without arguments."""
    head, body = match.groups()
    if re.search(r"instancetype\)init;", body):
        return match.group(0)
    refuse = '__attribute__((unavailable("the library makes these objects")));\n'
    return f"{head}\n- (nonnull instancetype)init {refuse}+ (nonnull instancetype)new {refuse}{body}"


def change(name, function):
    """Changes one file."""
    with open(name, encoding="utf-8") as f:
        text = f.read()
    with open(name, "w", encoding="utf-8") as f:
        f.write(function(text))


def source(text):
    """The classes: no exception leaves a call of a listener."""
    proxies = len(re.findall(r"^\S.* cproxymobile_\w+\(int32_t refnum", text, re.MULTILINE))
    text, calls = CALL.subn(guarded, text)
    if proxies == 0 or calls != proxies:
        sys.exit(f"harden.py: {calls} calls in {proxies} functions: this is another gobind")
    head = max(m.end() for m in re.finditer(r"^[#@](?:import|include) .*$", text, re.MULTILINE))
    return text[:head] + "\n" + HELPER + text[head:]


def header(text):
    """Their header: no object that nobody made."""
    text, classes = re.subn(r"(@interface \w+ : NSObject <[^>]*> \{\n\}\n)(.*?@end)", sealed, text, flags=re.DOTALL)
    if classes == 0 or classes != text.count("@interface "):
        sys.exit(f"harden.py: {classes} classes of another form: this is another gobind")
    return text


change(sys.argv[1] + "/ParleyMobile_darwin.m", source)
change(sys.argv[1] + "/ParleyMobile.objc.h", header)
