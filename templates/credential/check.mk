	(umask 077 && : >check/secrets)
	echo CleverSyncSOS--Check--Value=value >>check/secrets
	echo CleverSyncSOS--Check--Empty= >>check/secrets
	echo "CleverSyncSOS--Check--Large=`printf %25000d 0`end" >>check/secrets
	$(CHECK) ./$(NAME).so \
		--set credential.check.path=check/secrets
