package operation

import (
	"embed"

	"github.com/vestibule-id/vestibule/backend/internal/platform/fault"
)

//go:embed messages/*.json
var messages embed.FS

// mendable are the findings with something to do about them: the sentence under their code with "_mend".
var mendable = map[string]bool{}

func init() {
	if err := fault.Load(messages, "messages"); err != nil {
		panic(err) // embedded: a mistake of ours that every test notices
	}
	for _, w := range words {
		fault.DefineField(w.code, w.says)
		if w.mend != "" {
			mendable[w.code] = true
			fault.DefineField(w.code+"_mend", w.mend)
		}
	}
}

// words are what findings say, and what mends them.
var words = []struct{ code, says, mend string }{
	{"health_check_settings", "Settings", ""},
	{"health_check_database", "Database", ""},
	{"health_check_jobs", "Background work", ""},
	{"health_check_mail", "Mail server", ""},
	{"health_check_sender", "Sender’s domain", ""},
	{"health_check_dkim", "Signed mail (DKIM)", ""},
	{"health_check_clock", "Clock", ""},
	{"health_check_proxy", "Proxy", ""},
	{"health_check_disk", "Data folder", ""},
	{"health_check_backup", "Backup", ""},
	{"health_check_key", "Secret key", ""},
	{"health_unread", "This could not be looked at: {reason}.", ""},
	{"health_settings_good", "The settings are complete.", ""},
	{"health_settings_wrong", "{reason}", "Mend what is named; vestibule config check says it again."},
	{"health_database_good", "{database}, schema {schema}.", ""},
	{"health_database_away", "The database does not answer: {reason}.", "Check VESTIBULE_DATABASE_URL, and that the database runs. Nothing needs a restart when it is back."},
	{"health_database_slow", "{database} answers slowly.", "Look at the load and the disk of the machine it runs on."},
	{"health_database_missing", "There is no database yet.", "Start vestibule serve: it makes one."},
	{"health_schema_older", "The schema is {schema}, and this version needs {wanted}.", "Make a backup, then run vestibule migrate up or start vestibule serve."},
	{"health_schema_newer", "The schema is {schema}, and this version knows {wanted} at most.", "Start the newer version, or restore a backup of before."},
	{"health_jobs_good", "Nothing waits too long and nothing has stopped.", ""},
	{"health_jobs_late", "Work that is due has been waiting for {age}.", "Look in the log for what fails, and see that a process with VESTIBULE_JOBS=on runs."},
	{"health_jobs_dead", "Work that has stopped and wants a person: {n}.", "Open “Stopped work”, read the reasons, and start it again."},
	{"health_mail_good", "{host} takes our connection, encryption and sign-in.", ""},
	{"health_mail_mailbox", "Mail stays in the built-in mailbox; none leaves.", ""},
	{"health_mail_refused", "{host} does not take our mail: {reason}.", "Compare VESTIBULE_SMTP_HOST, PORT, TLS, USERNAME and PASSWORD with what your mail provider says."},
	{"health_mail_waits", "{host} has taken no mail since {at}: {reason}. What is written waits, and leaves by itself.", "Ask your mail provider, and compare VESTIBULE_SMTP_HOST, PORT, TLS, USERNAME and PASSWORD with what they say."},
	{"health_sender_good", "{domain} says who may send for it (SPF) and what to do with the rest (DMARC).", ""},
	{"health_sender_spf", "{domain} does not say who may send for it (SPF): some mailboxes put your codes into spam.", "Publish the TXT record at {domain} that your mail provider names. It begins with v=spf1."},
	{"health_sender_dmarc", "{domain} does not say what to do with mail that fails the checks (DMARC).", "Publish this record; with p=none it only asks for reports. Make it stricter once your own mail passes."},
	{"health_sender_unread", "The DNS could not be asked about {domain}.", "See that this machine can resolve names, or look from another one: dig TXT {domain}."},
	{"health_dkim", "Your mail server signs, not this portal, so it cannot be seen from here.", "Send yourself a code and look for dkim=pass in the mail’s headers."},
	{"health_clock_good", "It agrees with the database’s.", ""},
	{"health_clock_alone", "It is not behind anything that was written. There is no second clock to compare it with.", ""},
	{"health_clock_off", "This machine’s clock and the database’s differ by {off}.", "Switch on time synchronisation on both (chrony, systemd-timesyncd)."},
	{"health_clock_behind", "This machine’s clock is {off} behind what was written last: codes live too long, and new things look old.", "Switch on time synchronisation (chrony, systemd-timesyncd)."},
	{"health_proxy_good", "Requests come through proxies that you trust.", ""},
	{"health_proxy_none", "No proxy that nobody trusts has been seen.", ""},
	{"health_proxy_stranger", "{peer} sends X-Forwarded-For and is not trusted: all who come through it are counted as one address.", "If it is your proxy, add {peer} to VESTIBULE_TRUSTED_PROXIES and restart."},
	{"health_proxy_missing", "People use https, so a proxy stands in front, but none is trusted: everybody is counted as one address.", "Set VESTIBULE_TRUSTED_PROXIES to the addresses of your proxy and restart."},
	{"health_disk_good", "{path} has room.", ""},
	{"health_disk_low", "{path} is getting full: {free} are left.", "Make room, or give it a larger disk."},
	{"health_disk_full", "{path} is full: {free} are left, and soon nothing can be saved.", "Make room now. Nothing needs a restart afterwards."},
	{"health_folder_missing", "{path} is not there.", "Make the folder for the server’s user, or start vestibule serve, which makes it."},
	{"health_folder_closed", "This user may not write into {path}.", "Give the folder to the server’s user: chown, chmod 700."},
	{"health_backup_good", "The last one was made on {at}.", ""},
	{"health_backup_old", "The last one was made on {at}.", "Run vestibule backup create every night, and try a restore now and then."},
	{"health_backup_none", "None has been made with vestibule backup create.", "Run it every night. If you back up with the database’s own tools, this cannot be seen from here."},
	{"health_key_good", "Only the server’s user may read {path}.", ""},
	{"health_key_setting", "It comes from the settings. See that only the server’s user may read them.", ""},
	{"health_key_missing", "There is no secret key yet ({path}).", "Start vestibule serve, which makes one; or put the old portal’s key there before you restore a backup."},
	{"health_key_open", "Other users of this machine may read {path}.", "Run: chmod 600 {path}. If somebody may have read it, make a new key."},
}
