// Where certificates are looked for: capitals, mounted disks, links, and folders that mean no good.
#include "npki_samples.h"

#include "npki/find.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[64];

static void make(const char *path)
{
    char command[1024];
    snprintf(command, sizeof command, "mkdir -p '%s/%s'", home, path);
    assert_int_equal(system(command), 0);
}

static void put(const char *name, const char *path)
{
    char command[1024];
    snprintf(command, sizeof command, "cp '%s%s' '%s/%s'", NPKI_DATA, name, home, path);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(home, sizeof home, "/tmp/ingam-find.XXXXXX");
    return mkdtemp(home) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

struct seen {
    unsigned folders, pfx, km, without_key, unreadable;
    char last[PATHS_MAX];
};

static void count(void *arg, const struct npki_found *found)
{
    struct seen *seen = arg;
    seen->folders += found->kind == NPKI_FOLDER;
    seen->pfx += found->kind == NPKI_PFX;
    seen->km += found->use == NPKI_KM;
    seen->without_key += !found->key;
    seen->unreadable += found->certificate == NULL;
    snprintf(seen->last, sizeof seen->last, "%s", found->path);
}

static struct seen look(const char *below)
{
    struct seen seen = {0};
    struct npki_root root;
    char path[PATHS_MAX];
    snprintf(path, sizeof path, "%s/%s", home, below);
    assert_true(npki_find_root_in(path, &root));
    npki_find(&root, count, &seen);
    return seen;
}

static void any_capitals(void **state)
{
    (void)state;
    make("a/npki/YesSign/user/cn=one");
    put("signCert.der", "a/npki/YesSign/user/cn=one/SIGNCERT.DER");
    put("signPri.key", "a/npki/YesSign/user/cn=one/signpri.KEY");
    put("sign.pfx", "a/npki/YesSign/user/cn=one/one_459C76.PFX");
    make("a/npki/KICA/USER/cn=two");
    put("signCert.der", "a/npki/KICA/USER/cn=two/kmCert.der");
    struct seen seen = look("a");
    assert_int_equal(seen.folders, 2);
    assert_int_equal(seen.pfx, 1);
    assert_int_equal(seen.km, 1);
    assert_int_equal(seen.without_key, 1);
    assert_int_equal(seen.unreadable, 0);
    assert_int_equal(look("a/npki").folders, 2); // the tree itself, named
}

static void hostile_folders(void **state)
{
    (void)state;
    char path[128], target[128];
    make("b/NPKI/CA/USER/cn=pipe");
    snprintf(path, sizeof path, "%s/b/NPKI/CA/USER/cn=pipe/signCert.der", home);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof path, "%s/b/NPKI/CA/USER/cn=pipe/x.pfx", home);
    assert_int_equal(mkfifo(path, 0600), 0);
    make("b/NPKI/CA/USER/cn=rubbish");
    put("signPri.key", "b/NPKI/CA/USER/cn=rubbish/signCert.der");
    put("signCert.der", "b/NPKI/CA/USER/cn=rubbish/y.pfx");
    make("b/elsewhere");
    put("signCert.der", "b/elsewhere/signCert.der");
    snprintf(target, sizeof target, "%s/b/elsewhere", home);
    snprintf(path, sizeof path, "%s/b/NPKI/CA/USER/cn=link", home);
    assert_int_equal(symlink(target, path), 0);
    make("b/NPKI/CA/USER/cn=linked");
    snprintf(target, sizeof target, "%s/b/elsewhere/signCert.der", home);
    snprintf(path, sizeof path, "%s/b/NPKI/CA/USER/cn=linked/signCert.der", home);
    assert_int_equal(symlink(target, path), 0);
    struct seen seen = look("b");
    assert_int_equal(seen.folders + seen.pfx, 0);
}

static void roots(void **state)
{
    (void)state;
    struct npki_root found[NPKI_ROOTS_MOST];
    char path[128];
    make("c/.pki/NPKI");
    make("c/NPKI");
    make("usb one/NPKI");
    make("server/NPKI");
    make("usb two/NPKI");
    snprintf(path, sizeof path, "%s/mounts", home);
    FILE *file = fopen(path, "w");
    fprintf(file, "/dev/sdb1 %s/usb\\040one vfat rw 0 0\n", home);
    fprintf(file, "/dev/sdc1 %s/usb\\040two exfat rw 0 0\n", home);
    fprintf(file, "/dev/sdd1 %s/nothing ext4 rw 0 0\n", home);
    fprintf(file, "server:/x %s/server nfs rw 0 0\n", home);
    fprintf(file, "/dev/sde1 %s/c ext4 rw 0 0\n", home);
    fclose(file);
    char below[128];
    snprintf(below, sizeof below, "%s/c", home);
    assert_int_equal(npki_find_roots(below, path, found, NPKI_ROOTS_MOST), 4);
    assert_non_null(strstr(found[0].path, "/c/NPKI"));
    assert_non_null(strstr(found[1].path, "/c/.pki/NPKI"));
    assert_non_null(strstr(found[2].path, "/usb one/NPKI"));
    assert_non_null(strstr(found[3].path, "/usb two/NPKI"));
    assert_int_equal(npki_find_roots(below, path, found, 2), 2);
    assert_int_equal(npki_find_roots("/nonexistent", "/nonexistent", found, 2), 0);
    struct npki_root root;
    assert_false(npki_find_root_in("/nonexistent", &root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_capitals),
        cmocka_unit_test(hostile_folders),
        cmocka_unit_test(roots),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
