/* The texts, a row each. */
#include "core/words.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *english, *korean;
} rows[WORDS] = {
    [WORD_OK] = {"OK", "확인"},
    [WORD_CANCEL] = {"Cancel", "취소"},
    [WORD_ABOUT] = {"Token: %s\nSerial number: %s", "토큰: %s\n일련번호: %s"},
    [WORD_TRIES] = {"\nTries left: %s", "\n남은 횟수: %s"},
    [WORD_EACH_USE] = {"\nThis key wants the PIN for each use.",
                       "\n이 키는 쓸 때마다 PIN을 입력해야 합니다."},
    [WORD_EACH_CODE] = {"\nThis key wants a one-time password for each use.",
                        "\n이 키는 쓸 때마다 OTP 번호를 입력해야 합니다."},
    [WORD_AND_CODE] = {"\nFor keys that want a one-time password, type it right behind the PIN.",
                       "\nOTP 번호가 필요한 키를 쓰려면 PIN 바로 뒤에 OTP 번호를 이어서 입력하세요."},
    [WORD_PIN] = {"PIN", "PIN"},
    [WORD_PUK] = {"PUK", "PUK"},
    [WORD_KEY] = {"management key", "관리 키"},
    [WORD_KEY_OR_PUK] = {"Management key or PUK", "관리 키 또는 PUK"},
    [WORD_ACCESS] = {"access code", "접근 암호"},
    [WORD_CODE] = {"One-time password", "OTP 번호"},
    [WORD_CURRENT] = {"Current %s:", "현재 %s:"},
    [WORD_NEW] = {"New %s:", "새 %s:"},
    [WORD_AGAIN] = {"New %s once more:", "새 %s 다시 한 번:"},
    [WORD_DIFFER] = {"The two entries differ.", "두 입력이 다릅니다."},
    [WORD_LENGTH] = {"A %s has another length.", "%s의 길이가 맞지 않습니다."},
};

const char *words_locale(const char *category)
{
    const char *const variables[] = {"LC_ALL", category, "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = secure_getenv(variables[i]);
        if (v != NULL && v[0] != '\0')
            return v;
    }
    return NULL;
}

const char *words(enum word w)
{
    const char *locale = words_locale("LC_MESSAGES");
    bool korean = locale != NULL && strncmp(locale, "ko", 2) == 0 && strchr("_.@", locale[2]) != NULL;
    return korean ? rows[w].korean : rows[w].english;
}
